#compdef prove-token
# Completion of prove-token for zsh. Put it into a folder of $fpath as _prove-token:
#   prove-token completion zsh >~/.zfunc/_prove-token
# or load it in ~/.zshrc, after compinit:
#   source <(prove-token completion zsh)

_prove-token() {
    local line value command=${(Q)words[1]}
    command=${command/#\~\//$HOME/}
    local -a before=("${(@Q)words[1,CURRENT-1]}") offers
    local -a answer=("${(@f)$(PROVE_TOKEN_COMPLETE=zsh PROVE_TOKEN_COMPLETE_WORD=${(Q)PREFIX} \
        $command -- "${before[@]}" 2>/dev/null)}")
    for line in "${answer[@]}"; do
        case $line in
            '') ;;
            :files) compset -P 1 '--*='; _files ;;
            :folders) compset -P 1 '--*='; _files -/ ;;
            :commands) _command_names -e ;;
            *$'\t'*)
                value=${line%%$'\t'*}
                offers+=("${value//:/\\:}:${line#*$'\t'}")
                ;;
            *) offers+=("${line//:/\\:}") ;;
        esac
    done
    (($#offers)) && _describe -V prove-token offers
}

if [[ ${funcstack[1]} == _prove-token ]]; then
    _prove-token "$@"
else
    compdef _prove-token prove-token
fi
