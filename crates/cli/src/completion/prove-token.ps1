# Completion of prove-token for PowerShell. Load it in $PROFILE:
#   prove-token completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName prove-token -ScriptBlock {
    param($word, $line, $cursor)
    $before = @($line.CommandElements |
        Where-Object { $_.Extent.EndOffset -lt $cursor -or ($word -eq '' -and $_.Extent.EndOffset -le $cursor) } |
        ForEach-Object { if ($null -ne $_.Value) { [string]$_.Value } else { $_.Extent.Text } })
    $env:PROVE_TOKEN_COMPLETE = 'powershell'
    $env:PROVE_TOKEN_COMPLETE_WORD = $word
    try {
        # With no offer PowerShell turns to the names of files by itself.
        & $before[0] -- @before 2>$null | Where-Object { $_ -notlike ':*' } | ForEach-Object {
            $value, $meaning = $_ -split "`t", 2
            if (-not $meaning) { $meaning = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $meaning)
        }
    } finally {
        Remove-Item Env:PROVE_TOKEN_COMPLETE, Env:PROVE_TOKEN_COMPLETE_WORD -ErrorAction SilentlyContinue
    }
}
