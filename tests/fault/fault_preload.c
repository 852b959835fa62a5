/* The failing disk under a whole program: LD_PRELOAD=fault_preload.so LAYERD_FAULT=KINDS:N:HOW makes the
 * failing VFS the default before main() runs. KINDS: letters of r w s t o d (read, write, sync, truncate,
 * open, delete); HOW: error, dead, full or power. For tests alone. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault/fault_vfs.h"

static _Noreturn void unusable(const char *text)
{
    fprintf(stderr, "LAYERD_FAULT=%s: expected KINDS:N:HOW, such as ws:17:error\n", text);
    exit(2);
}

static unsigned operations_of(const char *text, const char *end)
{
    static const char letters[] = "rwstod";
    unsigned operations = 0;

    for (; text < end; text++) {
        const char *letter = strchr(letters, *text);

        if (letter == NULL)
            return 0;
        operations |= 1U << (letter - letters);
    }
    return operations;
}

__attribute__((constructor)) static void preload(void)
{
    static const char *const hows[] = { "error", "dead", "full", "power" };
    static const enum fault_kind kinds[] = { FAULT_ERROR, FAULT_DEAD, FAULT_NO_SPACE, FAULT_POWER_LOSS };
    const char *text = getenv("LAYERD_FAULT");
    const char *colon = text == NULL ? NULL : strchr(text, ':');
    struct fault fault = { 0 };
    bool known = false;
    char *how;

    if (text == NULL)
        return;
    if (colon == NULL)
        unusable(text);
    fault.operations = operations_of(text, colon);
    fault.nth = strtoull(colon + 1, &how, 10);
    fault.seed = fault.nth;
    for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
        if (*how == ':' && strcmp(how + 1, hows[i]) == 0) {
            fault.kind = kinds[i];
            known = true;
        }
    }
    if (fault.operations == 0 || fault.nth == 0 || !known)
        unusable(text);
    sqlite3_initialize();
    fault_vfs_register("fault", true);
    fault_vfs_arm(&fault);
}
