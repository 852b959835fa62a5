# Bash completion of layerd. Written by contrib/completion/generate-layerd from its settings: do not edit.
# shellcheck shell=bash

_layerd_options="--help --version --config --background --verify --head --restore --print-config --print-config-example --print-config-manual --print-methods --print-options --print-openrpc --print-events-schema --enabled --network --directory --max-concurrent --max-concurrency --timeout --memory-limit --batch-size --worker-pool-size --queue-size --ring-size --connections --connections-per-uid --idle-line-timeout --block-interval --operator-uids --log-file --log-format --log-level --watch-rollups --core-dumps"
_layerd_valued="--config --head --restore --network --directory --max-concurrent --max-concurrency --timeout --memory-limit --batch-size --worker-pool-size --queue-size --ring-size --connections --connections-per-uid --idle-line-timeout --block-interval --operator-uids --log-file --log-format --log-level"
_layerd_files="--config --head --restore --directory --log-file"

_layerd_choices() {
    case $1 in
    --enabled) echo "true false" ;;
    --network) echo "dev test main" ;;
    --log-format) echo "text json" ;;
    --watch-rollups) echo "true false" ;;
    --core-dumps) echo "true false" ;;
    esac
}

_layerd_values() { # OPTION CURRENT
    if [[ " $_layerd_files " == *" $1 "* ]]; then
        compgen -f -- "$2"
    else
        compgen -W "$(_layerd_choices "$1")" -- "$2"
    fi
}

_layerd() {
    local line=${COMP_LINE:0:COMP_POINT} current previous
    local -a tokens
    COMPREPLY=()

    # Bash splits at '=' too; here only blanks part the tokens.
    read -ra tokens <<<"$line"
    [[ $line == *[[:space:]] ]] && tokens+=('')
    current=${tokens[${#tokens[@]} - 1]}
    previous=${tokens[${#tokens[@]} - 2]-}
    if [[ $current == --*=* ]]; then
        mapfile -t COMPREPLY < <(_layerd_values "${current%%=*}" "${current#*=}")
    elif [[ " $_layerd_valued " == *" $previous "* ]]; then
        mapfile -t COMPREPLY < <(_layerd_values "$previous" "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$_layerd_options" -- "$current")
    fi
    return 0
}

complete -F _layerd layerd
