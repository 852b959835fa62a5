/* The wallet's methods over crypto/keystore.h. They are queries that touch no database: keys never enter it.
 * Passphrases come as secret parameters, which the kernel wipes; what is decrypted here lives in locked
 * memory. */
#include "node/wallet.h"

#include <string.h>

#include "base/bech32.h"
#include "base/json.h"
#include "crypto/keystore.h"
#include "kernel/kernel.h"
#include "kernel/query.h"

#define KEY_FILE_MAX 4096 /* bytes of a key file given as a parameter */

/* Passes a keystore's refusal on. */
static enum status refuse(struct query *q, const struct error *error)
{
    return query_fail(q, error->code, "%s", error->message);
}

static enum status wallet_keystore(struct query *q, struct keystore **keystore)
{
    *keystore = kernel_keystore(q->kernel);
    if (*keystore == NULL)
        return query_fail(q, ERROR_NOT_FOUND, "this node runs without a keystore");
    return OK;
}

static void write_status(struct writer *w, struct keystore *keystore)
{
    writer_object_begin(w);
    writer_member_boolean(w, "exists", keystore_exists(keystore));
    writer_member_boolean(w, "locked", keystore_is_locked(keystore));
    writer_object_end(w);
}

static void write_key(struct writer *w, const char *name, const struct account_id *account)
{
    char address[ADDRESS_TEXT_MAX];

    address_encode(address, account);
    writer_object_begin(w);
    writer_member_text(w, "name", name);
    writer_member_text(w, "address", address);
    writer_member_hex(w, "public_key", account->bytes, sizeof account->bytes);
    writer_object_end(w);
}

/* --- opening and closing -------------------------------------------------------------------------------- */
struct passphrase_params {
    const char *passphrase;
};
static const struct param create_params[] = {
    PARAM(struct passphrase_params, passphrase, SECRET, REQUIRED,
          "opens the keystore from now on; there is no other way in", .most = PASSPHRASE_MAX),
};
static const struct param unlock_params[] = {
    PARAM(struct passphrase_params, passphrase, SECRET, REQUIRED, "the one given to wallet.create",
          .most = PASSPHRASE_MAX),
};

static enum status wallet_create(struct query *q, const void *params, struct writer *result)
{
    const struct passphrase_params *p = params;
    struct keystore *keystore;
    struct error error;

    TRY(wallet_keystore(q, &keystore));
    if (keystore_create(keystore, p->passphrase, &error) != OK)
        return refuse(q, &error);
    write_status(result, keystore);
    return OK;
}

static enum status wallet_unlock(struct query *q, const void *params, struct writer *result)
{
    const struct passphrase_params *p = params;
    struct keystore *keystore;
    struct error error;

    TRY(wallet_keystore(q, &keystore));
    if (keystore_unlock(keystore, p->passphrase, &error) != OK)
        return refuse(q, &error);
    write_status(result, keystore);
    return OK;
}

static enum status wallet_lock(struct query *q, const void *params, struct writer *result)
{
    struct keystore *keystore;

    (void)params;
    TRY(wallet_keystore(q, &keystore));
    keystore_lock(keystore);
    write_status(result, keystore);
    return OK;
}

static enum status wallet_status(struct query *q, const void *params, struct writer *result)
{
    struct keystore *keystore;

    (void)params;
    TRY(wallet_keystore(q, &keystore));
    write_status(result, keystore);
    return OK;
}

/* --- keys ----------------------------------------------------------------------------------------------- */
struct name_params {
    const char *name;
};
#define KEY_NAME_HELP "letters, digits, '.', '_' and '-'; at most 63"
static const struct param name_params[] = {
    PARAM(struct name_params, name, TEXT, REQUIRED, "the key's name: " KEY_NAME_HELP,
          .most = KEY_NAME_MAX - 1),
};

static enum status wallet_new(struct query *q, const void *params, struct writer *result)
{
    const struct name_params *p = params;
    struct account_id account;
    struct keystore *keystore;
    struct error error;

    TRY(wallet_keystore(q, &keystore));
    if (keystore_generate(keystore, p->name, &account, &error) != OK)
        return refuse(q, &error);
    write_key(result, p->name, &account);
    return OK;
}

static enum status wallet_remove(struct query *q, const void *params, struct writer *result)
{
    const struct name_params *p = params;
    struct keystore *keystore;
    struct error error;

    TRY(wallet_keystore(q, &keystore));
    if (keystore_remove(keystore, p->name, &error) != OK)
        return refuse(q, &error);
    writer_object_begin(result);
    writer_member_text(result, "removed", p->name);
    writer_object_end(result);
    return OK;
}

static void list_key(void *context, const char *name, const struct account_id *account)
{
    write_key(context, name, account);
}

static enum status wallet_list(struct query *q, const void *params, struct writer *result)
{
    struct keystore *keystore;

    (void)params;
    TRY(wallet_keystore(q, &keystore));
    writer_object_begin(result);
    writer_key(result, "items");
    writer_array_begin(result);
    keystore_list(keystore, list_key, result);
    writer_array_end(result);
    writer_object_end(result);
    return OK;
}

/* --- key files ------------------------------------------------------------------------------------------ */
struct import_params {
    const char *name;
    struct bytes key_file;
    const char *passphrase;
};
static const struct param import_params[] = {
    PARAM(struct import_params, name, TEXT, REQUIRED, "the key's name here: " KEY_NAME_HELP,
          .most = KEY_NAME_MAX - 1),
    PARAM(struct import_params, key_file, JSON, REQUIRED, "the content of a key file", .most = KEY_FILE_MAX),
    PARAM(struct import_params, passphrase, SECRET, REQUIRED, "the key file's own", .most = PASSPHRASE_MAX),
};

static enum status wallet_import(struct query *q, const void *params, struct writer *result)
{
    const struct import_params *p = params;
    struct secret_key *key CLEANUP(secret_free_pointer) = NULL;
    char written_name[KEY_NAME_MAX];
    struct account_id account;
    struct keystore *keystore;
    struct error error;

    TRY(wallet_keystore(q, &keystore));
    if (keystore_is_locked(keystore)) /* before the costly key derivation */
        return query_fail(q, ERROR_KEYSTORE_LOCKED, "unlock the keystore first");
    key = secret_new(sizeof *key);
    if (key_file_decode((const char *)p->key_file.data, p->key_file.size, p->passphrase, key, written_name,
                        &error) != OK)
        return refuse(q, &error);
    if (keystore_import(keystore, p->name, key, &account, &error) != OK)
        return refuse(q, &error);
    write_key(result, p->name, &account);
    return OK;
}

struct export_params {
    const char *name;
    const char *passphrase;
};
static const struct param export_params[] = {
    PARAM(struct export_params, name, TEXT, REQUIRED, "which key", .most = KEY_NAME_MAX - 1),
    PARAM(struct export_params, passphrase, SECRET, REQUIRED, "opens the key file that comes back",
          .most = PASSPHRASE_MAX),
};

static enum status wallet_export(struct query *q, const void *params, struct writer *result)
{
    const struct export_params *p = params;
    struct buffer key_file CLEANUP(buffer_close) = { 0 };
    json_t *parsed AUTO_JSON = NULL;
    struct keystore *keystore;
    struct error error;

    buffer_init(&key_file);
    TRY(wallet_keystore(q, &keystore));
    if (keystore_export(keystore, p->name, p->passphrase, &key_file, &error) != OK)
        return refuse(q, &error);
    /* The reply is one line: the file's own line breaks must go. */
    if (json_parse((const char *)key_file.data, key_file.size, &parsed, &error) != OK)
        return refuse(q, &error);
    buffer_clear(&key_file);
    if (json_canonical(parsed, &key_file, &error) != OK)
        return refuse(q, &error);
    writer_object_begin(result);
    writer_member_raw(result, "key_file", key_file.data, key_file.size);
    writer_object_end(result);
    return OK;
}

/* --- the module ----------------------------------------------------------------------------------------- */
#define KEY_RESULT "the key's name, address and public key"
#define STATUS_RESULT "whether the keystore exists and is locked"
static const struct query_method queries[] = {
    { "wallet.create", ACCESS_OPERATOR, wallet_create, PARAMS(struct passphrase_params, create_params),
      .help = "Make this node's keystore and unlock it. Takes 64 MiB for a moment.",
      .result = STATUS_RESULT, .detached = true },
    { "wallet.unlock", ACCESS_OPERATOR, wallet_unlock, PARAMS(struct passphrase_params, unlock_params),
      .help = "Unlock the keystore until wallet.lock or the node's end. Takes 64 MiB for a moment.",
      .result = STATUS_RESULT, .detached = true },
    { "wallet.lock", ACCESS_OPERATOR, wallet_lock, NO_PARAMS, .help = "Wipe the keys from memory.",
      .result = STATUS_RESULT, .detached = true },
    { "wallet.status", ACCESS_OPERATOR, wallet_status, NO_PARAMS,
      .help = "Whether there is a keystore and whether it is open.", .result = STATUS_RESULT,
      .detached = true },
    { "wallet.new", ACCESS_OPERATOR, wallet_new, PARAMS(struct name_params, name_params),
      .help = "Make a key.", .result = KEY_RESULT, .example = "name=alice", .detached = true },
    { "wallet.list", ACCESS_OPERATOR, wallet_list, NO_PARAMS, .help = "The keys of this node.",
      .result = "items: name, address and public key of each", .detached = true },
    { "wallet.import", ACCESS_OPERATOR, wallet_import, PARAMS(struct import_params, import_params),
      .help = "Take a key from a key file into the keystore.", .result = KEY_RESULT, .detached = true },
    { "wallet.export", ACCESS_OPERATOR, wallet_export, PARAMS(struct export_params, export_params),
      .help = "Give a key as a key file under a passphrase of its own.",
      .result = "key_file: the content of a key file", .detached = true },
    { "wallet.remove", ACCESS_OPERATOR, wallet_remove, PARAMS(struct name_params, name_params),
      .help = "Take a key out of the keystore; without a key file of it, what it owns is lost.",
      .result = "removed: its name", .example = "name=alice", .detached = true },
};

const struct module wallet_module = {
    .name = "wallet",
    .help = "The keys that live on this node.",
    QUERIES(queries),
};
