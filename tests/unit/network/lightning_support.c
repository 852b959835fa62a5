/* See lightning_support.h. */
#include "lightning_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "kernel/module.h"

char preimage_hex[65], hash_hex[65], hash_base64[64], hash_base64_url[64], preimage_base64[64];
static struct hash preimage, hash;
static char *text;

void support_begin(void)
{
    crypto_start();
    memset(preimage.bytes, 0x11, sizeof(preimage.bytes));
    sha256(&hash, preimage.bytes, sizeof(preimage.bytes));
    hex_text(preimage_hex, preimage.bytes, 32);
    hex_text(hash_hex, hash.bytes, 32);
    sodium_bin2base64(preimage_base64, sizeof(preimage_base64), preimage.bytes, 32,
                      sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(hash_base64, sizeof(hash_base64), hash.bytes, 32, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(hash_base64_url, sizeof(hash_base64_url), hash.bytes, 32,
                      sodium_base64_VARIANT_URLSAFE);
}

const char *invoice_of(const char *currency, uint64_t msat, uint64_t age_s)
{
    struct bolt11 invoice = { .has_amount = msat > 0, .amount_msat = msat, .description = "a test",
                              .expiry_s = 3600, .final_delta = 18, .payment_hash = hash,
                              .feature_count = 2, .features = { 8, 14 } };
    struct buffer out CLEANUP(buffer_close) = { 0 };
    struct secret_key *key = secret_new(sizeof(*key));
    struct error error;

    snprintf(invoice.currency, sizeof(invoice.currency), "%s", currency);
    invoice.time_s = (uint64_t)(clock_wall_us() / MICROSECONDS_PER_SECOND) - age_s;
    memset(key->bytes, 0, sizeof(key->bytes));
    key->bytes[31] = 1;
    memset(invoice.payment_secret.bytes, 0x22, 32);
    assert_int_equal(bolt11_encode(&invoice, "spdxc9", bolt11_sign_with_key, key, &out, &error), OK);
    secret_free(key);
    free(text);
    text = text_copy_sized((const char *)out.data, out.size);
    return text;
}

void link_open(struct link *link, const struct network *network)
{
    /* every network's options begin with its texts; `patience` and the rest as its parameters say */
    void *options = memory_new(network->options_size);
    struct network_setup setup = { .link = "test", .network = NETWORK_DEV, .options = options };
    struct error error;

    memset(link, 0, sizeof(*link));
    for (size_t i = 0; i < network->option_count; i++) {
        const struct param *p = &network->options[i];
        const char *given = strcmp(p->name, "socket") == 0 ? "unix:/run/lightning-rpc"
                            : strcmp(p->name, "url") == 0 ? "https://127.0.0.1:8080"
                            : strcmp(p->name, "macaroon_file") == 0 ? "/nowhere" : NULL;

        if (p->type == PARAM_INTEGER)
            memcpy((char *)options + p->offset, &p->fallback, sizeof(uint64_t));
        else
            memcpy((char *)options + p->offset, &given, sizeof(given));
    }
    if (network->initialize(&setup, &link->client, &error) != OK)
        fail_msg("%s", error.message);
    free(options);
    link->network = network;
    arena_init(&link->arena);
    link->call = (struct network_call){ .operation = "0123456789abcdef0123456789abcdef", .attempt = 1,
                                        .arena = &link->arena };
    script_begin();
}

void again(struct link *link)
{
    memset(&link->call.error, 0, sizeof(link->call.error));
}

void link_close(struct link *link)
{
    script_end();
    link->network->release(link->client);
    arena_close(&link->arena);
    free(text);
    text = NULL;
}

void assert_has(const char *whole, const char *part)
{
    if (whole == NULL || strstr(whole, part) == NULL)
        fail_msg("'%s' is not in '%s'", part, whole == NULL ? "(null)" : whole);
}

void assert_has_not(const char *whole, const char *part)
{
    if (whole != NULL && strstr(whole, part) != NULL)
        fail_msg("'%s' is in '%s'", part, whole);
}
