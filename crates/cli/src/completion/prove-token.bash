# Completion of prove-token for bash. Load it in ~/.bashrc:
#   source <(prove-token completion bash)

_prove_token() {
    local IFS=$'\n' line command=${1/#\~\//$HOME/}
    local -a before=("${COMP_WORDS[@]:0:COMP_CWORD}")
    # An equals sign is a word of its own here, and $2 is what comes after it.
    [[ ${COMP_WORDS[COMP_CWORD]} == = ]] && before+=(=)
    COMPREPLY=()
    while read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null || COMPREPLY+=($(compgen -f -- "$2")) ;;
            :folders) compopt -o dirnames 2>/dev/null || COMPREPLY+=($(compgen -d -- "$2")) ;;
            :commands) COMPREPLY+=($(compgen -c -- "$2")) ;;
            *) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <(PROVE_TOKEN_COMPLETE=bash PROVE_TOKEN_COMPLETE_WORD=$2 \
        "$command" -- "${before[@]}" 2>/dev/null)
}

complete -F _prove_token prove-token
