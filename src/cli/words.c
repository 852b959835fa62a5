/* The table of words: see word.h. */
#include "cli/word.h"

#include <string.h>

static const struct word words[] = {
    { "help", "[METHOD]", "What the node can do, or how one method is called.", "", 0, 1, word_help },
    { "events", "[--follow] [--type GLOB]… [--subject S]… [--from WHERE] [--until N]",
      "Print events; with --follow also those to come.", "follow type subject from until ack create format",
      0, 0, word_events },
    { "wait", "TYPE [--subject S]… [--from WHERE]", "Wait for the next event of a type and print it.",
      "subject from format", 1, 1, word_wait },
    { "sql", "\"SELECT …\"", "Ask the node's database one read-only question.", "csv limit", 1, 1, word_sql },
    { "audit", "", "Check every invariant of the ledger on the node.", "", 0, 0, word_audit },
    { "verify", "[--against FILE]",
      "Check the whole event log, and that it continues a head that was kept elsewhere.", "against verifier",
      0, 0, word_verify },
    { "checkpoint", "[--save FILE]", "Print the log's signed head, or keep it in a file.", "save verifier", 0,
      0, word_checkpoint },
    { "proof", "SEQ | verify [--key FILE --public FILE] FILE | encode FILE | prove FILE",
      "Prove that an event is in the signed log; checked here, not believed. Or, without a node: verify a "
      "claim with its proof, or snarkjs's files; make canonical bytes of one of those; prove a claim with "
      "the secrets of a file that nobody else may read.",
      "verifier key public chain", 1, 2, word_proof },
    { "verify-transfer", "[--verifier KEY] [--block-hash HASH]… FILE",
      "Judge the proof of a settled transfer, without a node; FILE is what 'layer-cli --json transfer.proof' "
      "printed. Without the key of a log that you trust it shows what somebody signed; legs on EVM chains "
      "are proved up to blocks, which you may name.",
      "verifier block-hash", 1, 1, word_verify_transfer },
    { "replay", "", "Rebuild the ledger from its transactions on the node and compare.", "", 0, 0,
      word_replay },
    { "backup", "PATH", "Make a verified copy of the node's database.", "", 1, 1, word_backup },
    { "stop", "", "Stop the node; returns when its database is closed.", "", 0, 0, word_stop },
    { "key", "new FILE | show FILE", "Make a key file for signing away from the node, or show its address.",
      "name", 2, 2, word_key },
    { "sign", "--key FILE METHOD [PARAMS…]",
      "Sign a command here and print the signed transaction. Without a node (--chain) the time is this "
      "machine's: where dev.advance_time was called it is behind the node's, and needs a longer --valid-for.",
      "key chain valid-for", 1, ARGUMENTS_ANY, word_sign },
    { "submit", "FILE | -", "Submit a signed transaction; any number of times, it runs once.", "", 1, 1,
      word_submit },
    { "watch", "--key FILE [--rollup N]… [--max-stake AMOUNT] [--keep MIB] [--once]",
      "Execute every batch of rollups again, and dispute what is wrong with a key of your own.",
      "key chain rollup max-stake keep once", 0, 0, word_watch },
    { "call", "--key FILE METHOD [PARAMS…]", "Sign a command here and submit it.", "key chain valid-for", 1,
      ARGUMENTS_ANY, word_call },
};

const struct word *word_find(const char *name)
{
    for (size_t i = 0; i < word_count(); i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

bool word_takes(const struct word *word, const char *option)
{
    size_t size = strlen(option);
    for (const char *at = word->options; (at = strstr(at, option)) != NULL; at += size)
        if ((at == word->options || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
            return true;
    return false;
}

size_t word_count(void)
{
    return sizeof words / sizeof words[0];
}

const struct word *word_at(size_t index)
{
    return &words[index];
}
