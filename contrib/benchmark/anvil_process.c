/* A child whose output tells its port and its keys: see anvil_process.h. */
#include "anvil_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "child.h"
#include "measure.h"

#define PROGRAM "anvil/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
#define CHAIN_ID "60808" /* BOB's */
#define START_S 30.0
#define LOOK_NS (NANOSECONDS / 100)
#define LISTENING "Listening on "

/* "(1) 0x…": accounts stand so as well, with 40 digits. */
static void take_key(struct anvil_process *anvil, const char *line, size_t *count)
{
    const char *hex = strstr(line, ") 0x");

    if (line[0] == '(' && hex != NULL && *count < ANVIL_KEYS && strcspn(hex + 4, " \n") == 64 &&
        hex_decode(anvil->keys[*count].bytes, sizeof(anvil->keys->bytes), hex + 4, 64))
        ++*count;
}

/* True: it listens, and has told its keys, which comes before. */
static bool read_output(struct anvil_process *anvil, const char *path)
{
    FILE *output = fopen(path, "re");
    size_t count = 0;
    char line[512];

    while (output != NULL && anvil->url == NULL && fgets(line, sizeof(line), output) != NULL) {
        take_key(anvil, line, &count);
        if (strncmp(line, LISTENING, strlen(LISTENING)) == 0 && strchr(line, '\n') != NULL) {
            line[strcspn(line, "\n")] = '\0';
            anvil->url = text_format("http://%s", line + strlen(LISTENING));
        }
    }
    if (output != NULL)
        fclose(output);
    if (anvil->url != NULL && count < ANVIL_KEYS)
        fatal("anvil tells no keys: see %s", path);
    return anvil->url != NULL;
}

bool anvil_process_start(struct anvil_process *anvil, const char *directory, const char *interop,
                         unsigned block_s)
{
    char *program AUTO_FREE = text_format("%s/" PROGRAM, interop);
    char *output AUTO_FREE = text_format("%s/output", directory);
    char *block AUTO_FREE = text_format("%u", block_s);
    const char *arguments[] = { program, "--host", "127.0.0.1", "--port", "0", "--chain-id", CHAIN_ID,
                                block_s == 0 ? NULL : "--block-time", block, NULL };
    int64_t begin = now_ns();

    if (access(program, X_OK) != 0)
        return false;
    child_directory(directory, NULL);
    *anvil = (struct anvil_process){ .directory = text_copy(directory) };
    anvil->process = child_start(directory, NULL, arguments);
    while (!read_output(anvil, output)) {
        child_check(anvil->process, directory);
        if (seconds_since(begin) > START_S)
            fatal("anvil does not start: see %s", output);
        sleep_ns(LOOK_NS);
    }
    return true;
}

/* Nothing of it is kept, so it is not asked. */
void anvil_process_stop(struct anvil_process *anvil)
{
    kill(anvil->process, SIGKILL);
    waitpid(anvil->process, NULL, 0);
    free(anvil->directory);
    free(anvil->url);
}
