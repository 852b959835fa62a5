/* `verify-transfer`: the proof of a settled transfer, judged away from any node. */
#include <string.h>

#include "base/memory.h"
#include "cli/argument.h"
#include "cli/terminal.h"
#include "cli/word.h"
#include "layer2/transfer/bundle.h"

static int print_refusal(const struct cli *cli, const struct error *error)
{
    AUTO_JSON json_t *shown = json_pack("{s:b,s:s,s:s}", "valid", 0, "error", status_name(error->code),
                                        "reason",
                                        error->message);
    AUTO_FREE char *text = json_dumps(shown, JSON_COMPACT);

    if (cli->json)
        puts(text);
    else
        printf("not valid: %s\n", error->message);
    return EXIT_UNVERIFIED;
}

static void print_json(const struct bundle_report *r)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct writer w;

    writer_init(&w, &text);
    bundle_report_write(r, &w);
    puts(buffer_text(&text));
}

static void print_chain(const char *side, const struct bundle_chain *chain)
{
    if (!chain->present)
        return;
    printf("%s: %s of %s in the contract %s of the chain %llu", side, chain->amount, chain->asset,
           chain->contract, (unsigned long long)chain->chain_id);
    for (size_t i = 0; i < BUNDLE_CONTRACT; i++) /* the contract's block is the claim's */
        printf("; %s in block %llu, 0x%s", bundle_step_name((enum bundle_step)i),
               (unsigned long long)chain->blocks[i].number, chain->blocks[i].hash);
    puts("");
}

static int print_report(const struct cli *cli, const struct bundle_report *r)
{
    if (cli->json) {
        print_json(r);
        return EXIT_DONE;
    }
    printf("%s: %llu %s arrived from '%s' at '%s'\n",
           r->log_key_expected ? "valid" : "valid, if you trust the log that signed it",
           (unsigned long long)r->amount, r->asset, r->source, r->destination);
    printf("shown by: at '%s' %s; at '%s' %s\n", r->source, r->source_by, r->destination, r->destination_by);
    print_chain("source", &r->source_chain);
    print_chain("destination", &r->destination_chain);
    printf("signed by the log %s\n%s%s\n", r->verifier, bundle_log_words(r),
           r->log_key_expected ? "" : " (--verifier)");
    return EXIT_DONE;
}

/* 64 hex digits, with or without "0x" before them. */
static bool read_block(const char *text, struct hash *hash)
{
    if (strncmp(text, "0x", 2) == 0)
        text += 2;
    return hex_decode(hash->bytes, sizeof(hash->bytes), text, strlen(text));
}

int word_verify_transfer(struct cli *cli)
{
    struct buffer text CLEANUP(buffer_close) = { 0 };
    struct buffer key CLEANUP(buffer_close) = { 0 };
    struct hash blocks[CLI_LIST_MAX];
    struct bundle_trust trust = { cli->verifier, blocks, cli->block_hashes.count };
    struct bundle_report report;
    struct error error;

    if (argument_file(cli->arguments[0], &text, &error) != OK)
        return cli_usage("verify-transfer: %s", error.message);
    if (trust.verifier != NULL && trust.verifier[0] == '@') {
        if (argument_file(trust.verifier + 1, &key, &error) != OK)
            return cli_usage("verify-transfer: %s", error.message);
        while (key.size > 0 && key.data[key.size - 1] == '\n')
            key.size--;
        trust.verifier = buffer_text(&key);
    }
    for (size_t i = 0; i < trust.block_count; i++)
        if (!read_block(cli->block_hashes.values[i], &blocks[i]))
            return cli_usage("verify-transfer: --block-hash: 64 hex digits are expected, not '%.80s'",
                             cli->block_hashes.values[i]);
    if (text.size > 0 && text.data[text.size - 1] == '\n') /* of the file, not of the proof */
        text.size--;
    if (bundle_verify((const char *)text.data, text.size, &trust, &report, &error) != OK)
        return print_refusal(cli, &error);
    return print_report(cli, &report);
}
