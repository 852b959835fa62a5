/* A child with a socket as its standard input and output: see snarkjs_process.h. */
#include "snarkjs_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "measure.h"

#define SCRIPT SOURCE_ROOT "/contrib/benchmark/snarkjs.mjs"
#define LINE_MAX_SIZE 128
#define KIB_IN_MIB 1024

static bool line_read(struct snarkjs *snarkjs, char line[LINE_MAX_SIZE])
{
    return fgets(line, LINE_MAX_SIZE, snarkjs->answers) != NULL;
}

static void reap(struct snarkjs *snarkjs)
{
    int status;

    fclose(snarkjs->answers);
    close(snarkjs->questions);
    waitpid(snarkjs->process, &status, 0);
}

bool snarkjs_start(struct snarkjs *snarkjs, const char *folder, const char *circuit)
{
    AUTO_FREE char *installed = text_format("%s/installed", folder);
    char line[LINE_MAX_SIZE];
    int ends[2];

    if (access(installed, R_OK) != 0)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        fatal("no socket pair: %s", strerror(errno));
    snarkjs->process = fork();
    if (snarkjs->process < 0)
        fatal("no process for node: %s", strerror(errno));
    if (snarkjs->process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (dup2(ends[1], STDIN_FILENO) >= 0 && dup2(ends[1], STDOUT_FILENO) >= 0)
            execlp("node", "node", SCRIPT, folder, circuit, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    close(ends[1]);
    snarkjs->answers = fdopen(ends[0], "r");
    snarkjs->questions = dup(ends[0]);
    if (snarkjs->answers == NULL || snarkjs->questions < 0)
        fatal("no memory for node's answers");
    if (line_read(snarkjs, line) && strcmp(line, "ready\n") == 0)
        return true;
    reap(snarkjs);
    return false;
}

double snarkjs_seconds(struct snarkjs *snarkjs, const char *what, int count)
{
    char line[LINE_MAX_SIZE];
    double seconds, peak_kib;

    if (dprintf(snarkjs->questions, "%s %d\n", what, count) < 0 || !line_read(snarkjs, line) ||
        sscanf(line, "%lf %lf", &seconds, &peak_kib) != 2)
        fatal("node has gone before it answered");
    snarkjs->peak_mib = peak_kib / KIB_IN_MIB;
    return seconds;
}

void snarkjs_stop(struct snarkjs *snarkjs)
{
    shutdown(snarkjs->questions, SHUT_WR);
    reap(snarkjs);
}
