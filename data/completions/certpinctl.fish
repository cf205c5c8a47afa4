# SPDX-License-Identifier: LGPL-2.1-or-later

# Completion of certpinctl(1) for fish. The program itself knows what may come next.

function __certpinctl_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    # A quote may be open still, which nothing that is offered has.
    set -l word (commandline --current-token --cut-at-cursor | string replace --all --regex -- '["\']' '')
    set -l prefix (string match --regex -- '^--[^=]*=' $word)

    for line in (command $words[1] complete $words[2..-1] "$word" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace --regex -- '^--[^=]*=' '' "$word") | string replace --regex -- '^' "$prefix"
            case :folders
                __fish_complete_directories (string replace --regex -- '^--[^=]*=' '' "$word") '' | string replace --regex -- '^' "$prefix"
            case '*'
                echo $line
        end
    end
end

complete --command certpinctl --no-files --arguments '(__certpinctl_complete)'
