/* The words of layer-cli that are more than one call of the node. Each returns an exit code (cli.h). The
 * table in words.c gives their usage, help and options; anything else on the command line is a method of the
 * node. */
#ifndef CLI_WORD_H
#define CLI_WORD_H

#include "cli/argument.h"
#include "cli/cli.h"

struct word {
    const char *name;
    const char *usage;   /* what stands behind the name */
    const char *help;    /* one sentence */
    const char *options; /* names of the options it takes, separated by spaces */
    size_t least, most;  /* arguments */
    int (*run)(struct cli *cli);
};

#define ARGUMENTS_ANY SIZE_MAX

const struct word *word_find(const char *name); /* NULL: a method of the node */
bool word_takes(const struct word *word, const char *option);
size_t word_count(void);
const struct word *word_at(size_t index);

/* call.c */
int word_method(struct cli *cli); /* any method by its name */
/* help.c */
int word_help(struct cli *cli);
void help_print_usage(void); /* --help */
void help_print_words(void); /* --print-words: what contrib/completion/generate reads, tab-separated */
/* follow.c */
int word_events(struct cli *cli);
int word_wait(struct cli *cli);
/* ledger log: verify.c */
int word_verify(struct cli *cli);
int word_checkpoint(struct cli *cli);
int word_inclusion(struct cli *cli); /* `proof SEQ` */
/* proof.c */
int word_proof(struct cli *cli);
int prove_file(const struct cli *cli, const char *path); /* prove.c: `proof prove FILE` */
/* verify_transfer.c */
int word_verify_transfer(struct cli *cli);
/* watch.c */
int word_watch(struct cli *cli);
/* work.c */
int word_audit(struct cli *cli);
int word_replay(struct cli *cli);
int word_backup(struct cli *cli);
int word_stop(struct cli *cli);
int word_sql(struct cli *cli);
/* keys.c */
int word_open_key(const struct cli *cli, struct layerd_key **key); /* that of --key; an exit code */
int word_key(struct cli *cli);
int word_sign(struct cli *cli);
int word_submit(struct cli *cli);
int word_call(struct cli *cli);

#endif
