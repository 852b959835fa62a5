/* layer-cli: a node from the command line. Reads the command line, finds the word, runs it, and ends with its
 * exit code. What goes to standard output is the result alone; everything about it goes to standard error. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "cli/word.h"

/* A full disk must not look like success. SIGPIPE keeps its default: a reader that left ends us quietly. */
static int end_output(int code)
{
    bool flushed = fflush(stdout) == 0 && !ferror(stdout);
    if (screen_end() && flushed)
        return code;
    fprintf(stderr, "layer-cli: standard output could not be written\n");
    return code == EXIT_DONE ? EXIT_OUTPUT : code;
}

static int run(struct cli *cli)
{
    if (cli->version) {
        printf("layer-cli %s\n", layerd_version());
        return EXIT_DONE;
    }
    if (cli->print_words) {
        help_print_words();
        return EXIT_DONE;
    }
    if (cli->help || cli->word == NULL) {
        help_print_usage();
        return cli->help ? EXIT_DONE : EXIT_USAGE;
    }
    const struct word *word = word_find(cli->word);
    return word == NULL ? word_method(cli) : word->run(cli);
}

int main(int argc, char **argv)
{
    struct cli cli = { .word = NULL };
    struct error error;

    screen_begin();
    if (options_parse(argc, argv, &cli, &error) != OK)
        return cli_usage("%s", error.message);
    int code = run(&cli);
    cli_close(&cli);
    return end_output(code);
}
