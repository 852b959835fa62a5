/* What a listener does when something runs short: closes who reads nothing, makes room for a newcomer, lets
 * those go on that waited for room, and gives memory back to the system after a flood. Closings are reported
 * once a second, with a count. On the I/O thread. */
#ifndef API_RELIEF_H
#define API_RELIEF_H

#include "api/budget.h"
#include "api/watch.h"

struct listener;

struct relief {
    struct watch round;   /* somebody waits for room */
    struct watch report;  /* closings to be told, or memory to be given back */
    bool asked, reporting;
    bool swollen;         /* much was kept since memory was given back last */
};

void relief_open(struct listener *listener);
void relief_close(struct listener *listener); /* tells what was not told yet */

/* Something waits because the budget is spent: its handler's `relieved` is called soon, and again as long as
 * somebody asks. */
void relief_ask(struct listener *listener);
/* Closes the connection that was idle longest, of the user with the most, unless that is this one. False:
 * there is none. */
bool relief_make_room(struct listener *listener, const struct budget_user *newcomer);
void relief_count(struct listener *listener, struct budget_user *user, enum closing why);
void relief_watch_memory(struct listener *listener); /* output was charged */

#endif
