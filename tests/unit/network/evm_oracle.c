/* Answers questions about EVM chains' formats, for the second implementation in Python to compare with; see
 * ../crypto/questions.h. "no" answers bytes that are refused. Questions:
 *   rlp DATA                          "yes"
 *   trie_root [KEY VALUE]… · trie_prove KEY [KEY VALUE]…      the root; the nodes
 *   trie ROOT KEY NODE…               the value, "absent"
 *   unitrie ROOT KEY VALUE NODE…      "yes"
 *   transaction RAW                   sender, chain id, signing hash, and the bytes written again
 *   header RAW · rootstock RAW        the hash; hash and mining hash
 *   receipt SHAPE RAW                 the bytes written again; shape 0: Ethereum's, 1: Rootstock's
 *   withdrawal NONCE SENDER TARGET VALUE GAS DATA     hash and slot
 *   decimal WORD                      its decimal digits */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../crypto/questions.h"
#include "crypto/hash.h"
#include "network/evm/receipt.h"
#include "network/evm/rootstock_header.h"
#include "network/evm/transaction.h"
#include "network/evm/trie.h"
#include "network/evm/unitrie.h"
#include "network/evm/withdrawal.h"

#define ROWS_MAX 1024 /* of anything that a question may repeat */

static struct error error;

static void no(void) { puts("no"); }

static size_t rows(char **rest, struct bytes *out)
{
    size_t count = 0;

    while (more(rest)) {
        if (count == ROWS_MAX)
            fail("too many rows");
        out[count++] = bytes_word(rest);
    }
    return count;
}

static struct trie *trie_word(char **rest)
{
    static struct bytes all[ROWS_MAX];
    static struct trie_leaf leaves[ROWS_MAX / 2];
    struct trie *trie;
    size_t count = rows(rest, all) / 2;

    for (size_t i = 0; i < count; i++)
        leaves[i] = (struct trie_leaf){ all[2 * i], all[2 * i + 1] };
    return trie_build(leaves, count, &words, &trie, &error) == OK ? trie : NULL;
}

static void answer_trie_root(char **rest)
{
    const struct trie *trie = trie_word(rest);

    if (trie == NULL)
        no();
    else
        answer_hashes(trie_root(trie), 1);
}

static void answer_trie_prove(char **rest)
{
    struct bytes key = bytes_word(rest);
    const struct trie *trie = trie_word(rest);
    const struct bytes *nodes;
    size_t count;

    if (trie == NULL) {
        no();
        return;
    }
    trie_prove(trie, key, &words, &nodes, &count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buffer_close) struct buffer text = { 0 };
        buffer_append_hex(&text, nodes[i].data, nodes[i].size);
        printf("%s ", buffer_text(&text));
    }
    puts(".");
}

static void answer_trie(char **rest)
{
    static struct bytes nodes[ROWS_MAX];
    struct bytes key, value;
    struct hash root;
    bool present;

    fixed_word(rest, root.bytes, sizeof root.bytes);
    key = bytes_word(rest);
    size_t count = rows(rest, nodes);
    if (trie_verify(&root, key, nodes, count, &present, &value, &error) != OK)
        no();
    else if (!present)
        puts("absent");
    else
        answer_bytes(value.data, value.size);
}

static void answer_unitrie(char **rest)
{
    static struct bytes nodes[ROWS_MAX];
    struct hash root;

    fixed_word(rest, root.bytes, sizeof root.bytes);
    struct bytes key = bytes_word(rest), value = bytes_word(rest);
    size_t count = rows(rest, nodes);
    puts(unitrie_verify(&root, key, value, nodes, count, &error) == OK ? "yes" : "no");
}

static void answer_transaction(char **rest)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    struct evm_transaction transaction;
    struct evm_address sender;
    char address[41], digest[65];
    struct hash hash = { { 0 } };

    if (evm_transaction_decode(bytes_word(rest), &words, &transaction, &sender, &error) != OK ||
        evm_transaction_encode(&transaction, &again, &error) != OK) {
        no();
        return;
    }
    if (transaction.chain_id != 0 && evm_transaction_digest(&transaction, &hash, &error) != OK)
        fail("no digest");
    hex_text(address, sender.bytes, sizeof sender.bytes);
    hex_text(digest, hash.bytes, sizeof hash.bytes);
    printf("%s %" PRIu64 " %s ", address, transaction.chain_id, digest);
    answer_bytes(again.data, again.size);
}

static void answer_header(char **rest)
{
    struct evm_header header;
    struct hash hash;

    if (evm_header_decode(bytes_word(rest), &header, &error) != OK ||
        evm_header_hash(&header, &hash, &error) != OK)
        no();
    else
        answer_hashes(&hash, 1);
}

static void answer_rootstock(char **rest)
{
    struct rootstock_header header;

    if (rootstock_header_decode(bytes_word(rest), &header, &error) != OK)
        no();
    else
        answer_hashes((const struct hash[]){ header.hash, header.mining_hash }, 2);
}

static void answer_receipt(char **rest)
{
    CLEANUP(buffer_close) struct buffer again = { 0 };
    enum evm_receipt_shape shape = number_word(rest) == 0 ? EVM_RECEIPT_ETHEREUM : EVM_RECEIPT_ROOTSTOCK;
    struct evm_receipt receipt;

    if (evm_receipt_decode(bytes_word(rest), shape, &words, &receipt, &error) != OK ||
        evm_receipt_encode(&receipt, &again, &error) != OK)
        no();
    else
        answer_bytes(again.data, again.size);
}

static void answer_withdrawal(char **rest)
{
    struct withdrawal withdrawal;
    struct hash answers[2];
    struct u256 slot;

    fixed_word(rest, withdrawal.nonce.bytes, 32);
    fixed_word(rest, withdrawal.sender.bytes, 20);
    fixed_word(rest, withdrawal.target.bytes, 20);
    fixed_word(rest, withdrawal.value.bytes, 32);
    fixed_word(rest, withdrawal.gas_limit.bytes, 32);
    withdrawal.data = bytes_word(rest);
    withdrawal_hash(&withdrawal, &answers[0]);
    withdrawal_slot(&answers[0], &slot);
    memcpy(answers[1].bytes, slot.bytes, sizeof slot.bytes);
    answer_hashes(answers, 2);
}

static void answer_rlp(char **rest)
{
    struct rlp_item item;

    puts(rlp_decode(bytes_word(rest), &item) ? "yes" : "no");
}

static void answer_decimal(char **rest)
{
    char text[U256_DECIMAL_MAX];
    struct u256 value;

    fixed_word(rest, value.bytes, sizeof value.bytes);
    puts(u256_decimal(text, &value));
}

static bool question(const char *what, char **rest)
{
    static const struct { const char *what; void (*answer)(char **rest); } questions[] = {
        { "rlp", answer_rlp }, { "trie_root", answer_trie_root }, { "trie_prove", answer_trie_prove },
        { "trie", answer_trie }, { "unitrie", answer_unitrie }, { "transaction", answer_transaction },
        { "header", answer_header }, { "rootstock", answer_rootstock }, { "receipt", answer_receipt },
        { "withdrawal", answer_withdrawal }, { "decimal", answer_decimal },
    };

    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (strcmp(what, questions[i].what) == 0) {
            questions[i].answer(rest);
            return true;
        }
    }
    return false;
}

int main(void)
{
    crypto_start();
    questions_answer(question);
    return 0;
}
