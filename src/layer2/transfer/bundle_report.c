/* What a good bundle shows, as JSON and in words: see bundle.h. */
#include "layer2/transfer/bundle.h"

const char *bundle_log_words(const struct bundle_report *r)
{
    return r->log_key_expected
               ? "the log's key is the one that was given"
               : "the log's key is the proof's own, and anybody can make one: give the key of a log that you "
                 "trust";
}

static void write_block(struct writer *w, enum bundle_step step, const struct bundle_block *block)
{
    writer_object_begin(w);
    writer_member_text(w, "step", bundle_step_name(step));
    writer_member_unsigned(w, "number", block->number);
    writer_member_text(w, "hash", block->hash);
    if (block->difficulty[0] != '\0')
        writer_member_text(w, "difficulty", block->difficulty);
    writer_object_end(w);
}

static void write_chain(struct writer *w, const char *side, const struct bundle_chain *chain)
{
    if (!chain->present)
        return;
    writer_object_begin(w);
    writer_member_text(w, "side", side);
    writer_member_unsigned(w, "chain_id", chain->chain_id);
    writer_member_text(w, "contract", chain->contract);
    writer_member_text(w, "asset", chain->asset);
    writer_member_text(w, "amount", chain->amount);
    writer_member_boolean(w, "contract_proved", chain->blocks[BUNDLE_CONTRACT].present);
    writer_key(w, "blocks");
    writer_array_begin(w);
    for (size_t i = 0; i < BUNDLE_CONTRACT; i++) /* the contract's is the claim's */
        write_block(w, (enum bundle_step)i, &chain->blocks[i]);
    writer_array_end(w);
    writer_object_end(w);
}

void bundle_report_write(const struct bundle_report *r, struct writer *w)
{
    writer_object_begin(w);
    writer_member_boolean(w, "valid", true);
    writer_member_boolean(w, "log_key_expected", r->log_key_expected);
    writer_member_text(w, "log_key", bundle_log_words(r));
    writer_member_text(w, "verifier", r->verifier);
    writer_member_unsigned(w, "log_size", r->log_size);
    writer_member_text(w, "transfer", r->transfer);
    writer_member_text(w, "account", r->account);
    writer_member_text(w, "provider", r->provider);
    writer_member_text(w, "asset", r->asset);
    writer_member_unsigned(w, "amount", r->amount);
    writer_member_unsigned(w, "fee", r->fee);
    writer_member_text(w, "source", r->source);
    writer_member_text(w, "destination", r->destination);
    writer_member_text(w, "recipient", r->recipient);
    writer_member_text(w, "source_by", r->source_by);
    writer_member_text(w, "destination_by", r->destination_by);
    writer_key(w, "networks");
    writer_array_begin(w);
    write_chain(w, "source", &r->source_chain);
    write_chain(w, "destination", &r->destination_chain);
    writer_array_end(w);
    writer_member_boolean(w, "blocks_trusted", r->blocks_trusted);
    writer_member_text(w, "hash", r->hash);
    writer_member_text(w, "preimage", r->preimage);
    writer_object_end(w);
}
