# Completion of prove-token for fish. Fish loads it from here:
#   prove-token completion fish >~/.config/fish/completions/prove-token.fish

function __prove_token_offers
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l command (string replace --regex '^~/' "$HOME/" -- $before[1])
    # The names of files stand behind the equals sign, if there is one.
    set -l option (string match --regex '^--[^=]*=' -- $word)
    set -l path (string replace -- "$option" '' "$word")
    for line in (env PROVE_TOKEN_COMPLETE=fish PROVE_TOKEN_COMPLETE_WORD="$word" $command -- $before 2>/dev/null)
        switch $line
            case :files
                for name in (__fish_complete_path $path)
                    printf '%s\n' "$option$name"
                end
            case :folders
                for name in (__fish_complete_directories $path)
                    printf '%s\n' "$option$name"
                end
            case :commands
                complete --do-complete "$path"
            case '*'
                printf '%s\n' $line
        end
    end
end

complete --command prove-token --no-files --keep-order --arguments '(__prove_token_offers)'
