# Completion of prove-token for elvish. Load it in ~/.config/elvish/rc.elv:
#   eval (prove-token completion elvish | slurp)

use str

set edit:completion:arg-completer[prove-token] = {|@words|
    var before = $words[..-1]
    var word = $words[-1]
    try {
        env PROVE_TOKEN_COMPLETE=elvish PROVE_TOKEN_COMPLETE_WORD=$word $before[0] -- (all $before) 2>/dev/null | from-lines | each {|line|
            if (==s $line ':files') {
                edit:complete-filename $word
            } elif (==s $line ':folders') {
                edit:complete-dirname $word
            } elif (==s $line ':commands') {
                edit:complete-sudo sudo $word
            } else {
                put (str:split &max=2 "\t" $line | take 1)
            }
        }
    } catch {
        nop
    }
}
