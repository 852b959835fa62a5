# Steps with progress, for the scripts of this folder (bash; source it). A step's output goes to $progress_log; on a terminal a
# ticking line shows how long it takes and what it does, elsewhere a line appears every 5 seconds, once 2 have passed.
# When a step fails, the end of its output is shown.

progress_log=${progress_log:-/dev/null}

# "83 s" or "2 min 05 s"
progress_time() {
    if [ "$1" -lt 90 ]; then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

# The newest line of a step's output, made fit for one terminal line.
progress_newest() {
    tail -n 1 "$1" 2>/dev/null | tr -cd '[:print:]' | cut -c 1-"$2"
}

# Watches process $1 running step $2 with output in $3.
progress_watch() {
    local process=$1 label=$2 output=$3 begin=$SECONDS shown=$SECONDS elapsed marks=(◐ ◓ ◑ ◒) mark=0 width room
    while kill -0 "$process" 2>/dev/null; do
        sleep 0.2
        elapsed=$((SECONDS - begin))
        [ "$elapsed" -ge 2 ] || continue
        if [ -t 1 ]; then
            width=$(tput cols 2>/dev/null || echo 80)
            room=$((width - ${#label} - 24))
            [ "$room" -gt 10 ] || room=10
            printf '\r\033[K  %s %s (%s) %s' "${marks[mark++ % 4]}" "$label" "$(progress_time "$elapsed")" \
                "$(progress_newest "$output" "$room")"
        elif [ $((SECONDS - shown)) -ge 5 ]; then
            shown=$SECONDS
            printf '    … %s, %s: %s\n' "$label" "$(progress_time "$elapsed")" "$(progress_newest "$output" 60)"
        fi
    done
    if [ -t 1 ]; then printf '\r\033[K'; fi
}

# step LABEL COMMAND…: runs it, says how it went, returns its status.
step() {
    local label=$1 output status=0 begin=$SECONDS process
    shift
    output=$(mktemp)
    if [ ! -t 1 ]; then printf '  … %s\n' "$label"; fi
    "$@" >"$output" 2>&1 </dev/null &
    process=$!
    progress_watch "$process" "$label" "$output"
    wait "$process" || status=$?
    { printf '=== %s\n' "$label"; cat "$output"; } >>"$progress_log"
    if [ "$status" = 0 ]; then
        printf '  ✓ %s (%s)\n' "$label" "$(progress_time $((SECONDS - begin)))"
    else
        printf '  ✗ %s: failed with status %d; the end of its output:\n' "$label" "$status"
        tail -n 40 "$output" | sed 's/^/      /'
    fi
    rm -f "$output"
    return "$status"
}
