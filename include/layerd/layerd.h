/* liblayerd: talk to a layerd node from a C or C++ program.
 *
 * It connects to a node's two Unix sockets, calls its methods (JSON text in, JSON text out), follows its
 * events, signs transactions away from the node, and checks the node's signed log without trusting the node.
 *
 * Every function that can fail returns enum layerd_error, LAYERD_OK (0) when it did what it says, and then
 * fills its outputs. When it fails, outputs stay as they were and *failure tells more. Arguments stand in
 * this order: what is acted on, inputs, the timeout, outputs, and last `failure`, which may be NULL.
 *
 * Units: timeouts are milliseconds (negative: no limit; 0: only what can be done without waiting); times in
 * JSON and in structs are microseconds since 1970-01-01 UTC and their names end in _us; amounts are in the
 * asset's smallest unit.
 *
 * Text is UTF-8 with a final zero. Text that a function gives through a `char **` belongs to the caller:
 * layerd_free(). Pointers inside struct layerd_event belong to the subscription and live until its next call.
 *
 * Threads: the library has no state of its own. One object (client, subscription, key) may be used by one
 * thread at a time; different objects by different threads at once. No function raises SIGPIPE. Forking: the
 * child must not use the objects.
 *
 * When memory runs out the process ends with a message (as layerd itself does): no function here returns for
 * that.
 *
 * The whole is shown in contrib/examples/transfer.c. The protocol: src/api/README.md. */
#ifndef LAYERD_LAYERD_H
#define LAYERD_LAYERD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define LAYERD_MUST_CHECK __attribute__((warn_unused_result))
#else
#define LAYERD_MUST_CHECK
#endif

/* --- errors ----------------------------------------------------------------------------------- */

/* What a call can answer; the numbers are those of JSON-RPC error.code (see errors.def for what each means).
 * A node newer than this library may answer a number that is not listed here; it comes through as it is. */
#pragma push_macro("ERROR")
#undef ERROR
enum layerd_error {
    LAYERD_OK = 0,
#define ERROR(name, code, text) LAYERD_ERROR_##name = (code),
#include "layerd/errors.def"
#undef ERROR
};
#pragma pop_macro("ERROR")

#define LAYERD_MESSAGE_MAX 512
#define LAYERD_MEANING_MAX 256
#define LAYERD_NAME_MAX 64

/* Why a call failed. */
struct layerd_failure {
    enum layerd_error code;
    char name[LAYERD_NAME_MAX];       /* stable, lower-case: "insufficient_balance" */
    char message[LAYERD_MESSAGE_MAX]; /* one line: the value that was wrong and what was expected; never a
                                         secret */
    char meaning[LAYERD_MEANING_MAX]; /* one sentence: what the code means and what to do */
};

/* Returns: the stable lower-case name of a code ("ok" for LAYERD_OK, "unknown" for one not listed). Static
 *       text. */
const char *layerd_error_name(enum layerd_error error);

/* Returns: the sentence of errors.def for a code. Static text. */
const char *layerd_error_meaning(enum layerd_error error);

/* Returns: the library's version, "0.1.0". Static text. */
const char *layerd_version(void);

/* Frees text that the library gave.
 * Args: memory: as given, or NULL. */
void layerd_free(void *memory);

/* --- calls ------------------------------------------------------------------------------------ */

struct layerd_client; /* one connection */

/* The two sockets in a node's data directory. */
enum layerd_socket {
    LAYERD_SOCKET_CALLS,  /* layerd.sock: the methods of `layer-cli help` */
    LAYERD_SOCKET_EVENTS, /* events.sock: head, wait, events.get, cursor.*, checkpoint.get, proof.* */
};

#define LAYERD_LINE_MAX (1024 * 1024)       /* bytes of one request with its newline */
#define LAYERD_REPLY_MAX (64 * 1024 * 1024) /* bytes of one reply */
#define LAYERD_PENDING_MAX 65536            /* requests of one client that are not collected yet */
#define LAYERD_BATCH_MAX 1000               /* requests of one layerd_batch */

/* The data directory of a network of this user: "$HOME/.layerd/<network>".
 * Args: network: "dev", "test" or "main"; NULL is "dev".
 * Out: directory: to be freed.
 * Errors: INVALID_PARAMS for another network, NOT_FOUND when the user has no home. */
LAYERD_MUST_CHECK enum layerd_error layerd_directory(const char *network, char **directory,
                                                     struct layerd_failure *failure);

/* Connects to a node. Unix sockets only; the node sees this process's uid and gid (SO_PEERCRED).
 * Args: path: a data directory, or a socket's own path; NULL: the directory of the dev network. socket:
 *       which of the directory's sockets; ignored when path is itself a socket.
 * Out: client: to be closed with layerd_close.
 * Errors: CONNECT (nobody listens, no such path, no permission), TIMEOUT. */
LAYERD_MUST_CHECK enum layerd_error layerd_connect(const char *path, enum layerd_socket socket,
                                                   int timeout_ms, struct layerd_client **client,
                                                   struct layerd_failure *failure);

/* Closes the connection and frees all; requests that are not collected are forgotten (the node still runs
 * them).
 * Args: client: may be NULL. */
void layerd_close(struct layerd_client *client);

/* Returns: the connection's descriptor, for poll() in a program's own loop: readable means that
 *       layerd_collect may have something. Do not read, write or close it. */
int layerd_descriptor(const struct layerd_client *client);

/* Calls a method and waits for its reply.
 * Args: method: "ledger.balance"; params: text of one JSON object, NULL for none.
 * Out: result: JSON text, exactly as the node sent it; to be freed. NULL when the caller does not want it.
 * Errors: what the node refused; PARSE (params is not JSON), INVALID_PARAMS (not an object), LIMIT (over
 *       LAYERD_LINE_MAX), TIMEOUT (the call may still have its effect: submit the same signed transaction
 *       again to learn), DISCONNECTED, PROTOCOL. After the last two the client only fails; connect anew.
 * Source: JSON-RPC 2.0, one message a line. */
LAYERD_MUST_CHECK enum layerd_error layerd_call(struct layerd_client *client, const char *method,
                                                const char *params, int timeout_ms, char **result,
                                                struct layerd_failure *failure);

/* The node's time: the block time that a block would get now. Transactions are valid until a time by this
 * clock, not by the machine's own: on a dev network dev.advance_time sets it ahead for good.
 * Out: now_us.
 * Errors: as layerd_call. */
LAYERD_MUST_CHECK enum layerd_error layerd_time(struct layerd_client *client, int timeout_ms, int64_t *now_us,
                                                struct layerd_failure *failure);

/* Pipelining: sends a request without waiting for its reply. Replies may come in any order.
 * Args: as layerd_call; timeout_ms: how long to wait while the node takes no more (replies that arrive
 *       then are kept).
 * Out: ticket: names the request, never 0.
 * Errors: as layerd_call, and LIMIT when LAYERD_PENDING_MAX requests are not collected. */
LAYERD_MUST_CHECK enum layerd_error layerd_submit(struct layerd_client *client, const char *method,
                                                  const char *params, int timeout_ms, uint64_t *ticket,
                                                  struct layerd_failure *failure);

/* One reply. */
struct layerd_reply {
    uint64_t ticket;
    enum layerd_error code;        /* LAYERD_OK, or why the node refused this request */
    char *result;                  /* JSON text when code is LAYERD_OK, else NULL */
    struct layerd_failure failure; /* when it is not */
};

/* Frees what is in a reply, not the struct.
 * Args: reply: may be zeroed. */
void layerd_reply_clear(struct layerd_reply *reply);

/* Waits for one reply of the requests submitted.
 * Args: ticket: which; 0: whichever comes first.
 * Out: reply: to be cleared. That the node refused the request is in reply->code; the function itself
 *       returns LAYERD_OK.
 * Errors: TIMEOUT (collect again later), NOT_FOUND (no such request is open), DISCONNECTED, PROTOCOL. */
LAYERD_MUST_CHECK enum layerd_error layerd_collect(struct layerd_client *client, uint64_t ticket,
                                                   int timeout_ms, struct layerd_reply *reply,
                                                   struct layerd_failure *failure);

/* Returns: how many requests are submitted and not collected. */
size_t layerd_pending(const struct layerd_client *client);

/* Forgets a request: its reply is dropped when it comes.
 * Args: ticket: unknown ones are ignored. */
void layerd_abandon(struct layerd_client *client, uint64_t ticket);

struct layerd_request {
    const char *method;
    const char *params; /* text of one JSON object, NULL for none */
};

/* Sends all requests in one JSON-RPC batch (one line) and waits for all replies. The node runs them in any
 * order; each succeeds or fails by itself.
 * Args: requests, count: 1 … LAYERD_BATCH_MAX, together at most LAYERD_LINE_MAX bytes.
 * Out: replies: `count` of them in the order of the requests, each to be cleared.
 * Errors: as layerd_call; then no reply is filled. */
LAYERD_MUST_CHECK enum layerd_error layerd_batch(struct layerd_client *client,
                                                 const struct layerd_request *requests, size_t count,
                                                 int timeout_ms, struct layerd_reply *replies,
                                                 struct layerd_failure *failure);

/* --- events ----------------------------------------------------------------------------------- */

struct layerd_subscription; /* one subscription on a connection of its own */

struct layerd_subscribe_options {
    const char *from; /* where to start: "first" · "now" · "after:N" (the first event is N+1) · "cursor:NAME"
                         (behind what was acknowledged under that name) · "time:T" (µs or ISO 8601). NULL is
                         "now" */
    uint64_t until;   /* the last event wanted; 0: for ever */
    const char *const *types; /* globs like "ledger.*"; an event needs to match one. NULL: all */
    size_t type_count;
    const char *const *subjects; /* like "account/lyt1…"; an event needs to have one of them. NULL: all */
    size_t subject_count;
    bool cloudevents;      /* lines in the CloudEvents 1.0 JSON format instead of the native one */
    uint64_t heartbeat_ms; /* a sign of life when nothing happens, 100 at least; 0: 15 s */
    bool marks;            /* layerd_event_next also gives CAUGHT_UP, PROGRESS and HEARTBEAT */
};

enum layerd_event_kind {
    LAYERD_EVENT,     /* something happened */
    LAYERD_CAUGHT_UP, /* all events up to seq were sent: from here on they come as they happen */
    LAYERD_PROGRESS,  /* all events up to seq were looked at; none matched since the last line */
    LAYERD_HEARTBEAT, /* seq: the newest event of the node */
    LAYERD_LOST,      /* events first … seq will not come: `why` */
    LAYERD_END, /* the node ended the subscription: `why` is "until", "slow", "shutdown", … */
};

struct layerd_event {
    enum layerd_event_kind kind;
    uint64_t seq;        /* dense, 1, 2, …: the order of commit. END: the first one not sent */
    uint64_t first;      /* LOST only */
    uint64_t block;      /* height of the block it belongs to */
    int64_t time_us;     /* when it was committed (block time); also HEARTBEAT */
    unsigned version;    /* of the type's fields */
    bool last;           /* the final event of its command: what came since the one before belongs together */
    const char *type;    /* "ledger.transferred"; NULL when kind is not LAYERD_EVENT */
    const char *subject; /* "account/lyt1…", or NULL */
    const char *data;    /* JSON text of one object: the very bytes that were stored and hashed */
    const char *hash; /* 64 hex digits: the log's chain up to and with this event; NULL in CloudEvents lines
                         without it */
    const char *why;  /* LOST and END */
    const char *line; /* the whole line as it came, without its newline */
};

/* Subscribes. Every matching event comes exactly once, in order of seq, those of the past first.
 * Args: path: as layerd_connect; options: NULL for everything from now on. Copied.
 * Out: subscription: to be closed with layerd_unsubscribe.
 * Errors: CONNECT, TIMEOUT, INVALID_PARAMS, and the node's: FUTURE, CURSOR_NOT_FOUND, CURSOR_BUSY,
 *       TOO_MANY, … Source: research in src/api/README.md, "events.sock". */
LAYERD_MUST_CHECK enum layerd_error layerd_subscribe(const char *path,
                                                     const struct layerd_subscribe_options *options,
                                                     int timeout_ms,
                                                     struct layerd_subscription **subscription,
                                                     struct layerd_failure *failure);

/* The next line of the stream.
 * Out: event: what it points to lives until the next call on this subscription.
 * Errors: TIMEOUT (nothing came: call again), DISCONNECTED (layerd_resume goes on where it stopped),
 *       PROTOCOL. */
LAYERD_MUST_CHECK enum layerd_error layerd_event_next(struct layerd_subscription *subscription,
                                                      int timeout_ms, struct layerd_event *event,
                                                      struct layerd_failure *failure);

/* Calls `each` for every line until it returns false, the stream ends, or nothing came for timeout_ms.
 * Returns: LAYERD_OK when `each` said false or the node ended the subscription (after `each` got
 *       LAYERD_END). */
LAYERD_MUST_CHECK enum layerd_error layerd_event_each(struct layerd_subscription *subscription,
                                                      int timeout_ms,
                                                      bool (*each)(void *context,
                                                                   const struct layerd_event *event),
                                                      void *context, struct layerd_failure *failure);

/* Returns: the descriptor to poll() for reading; call layerd_event_next with timeout 0 until TIMEOUT
 *       before polling again, because several events may have come at once. It changes with layerd_resume. */
int layerd_subscription_descriptor(const struct layerd_subscription *subscription);

/* Returns: every matching event up to this seq was given out; what layerd_resume goes on after. */
uint64_t layerd_position(const struct layerd_subscription *subscription);

/* For a subscription from a cursor: says that all events up to seq are done. The cursor moves there, durably,
 * and never by itself.
 * Args: timeout_ms: 0: send and do not wait for the answer; otherwise wait until it is durable. Events that
 *       come meanwhile are kept for layerd_event_next.
 * Errors: INVALID_PARAMS without a cursor, FUTURE for an event that was not sent yet, and as layerd_call. */
LAYERD_MUST_CHECK enum layerd_error layerd_acknowledge(struct layerd_subscription *subscription, uint64_t seq,
                                                       int timeout_ms, struct layerd_failure *failure);

/* After DISCONNECTED or an END: connects anew and goes on behind the last event that was given out, so
 * that none is missed and none comes twice. Tries again and again until timeout_ms is over. That the log
 * was replaced meanwhile is found: FORK.
 * Errors: CONNECT, TIMEOUT, FORK, and as layerd_subscribe. The subscription stays usable for another try. */
LAYERD_MUST_CHECK enum layerd_error layerd_resume(struct layerd_subscription *subscription, int timeout_ms,
                                                  struct layerd_failure *failure);

/* Ends the subscription and closes its connection.
 * Args: subscription: may be NULL. */
void layerd_unsubscribe(struct layerd_subscription *subscription);

/* --- keys and signing ------------------------------------------------------------------------- */

struct layerd_key; /* one secret key, in locked memory */

#define LAYERD_ADDRESS_MAX 72 /* an address with its final zero */
#define LAYERD_HASH_MAX 65    /* 64 hex digits with their final zero */

/* Makes a fresh key and writes it, encrypted, to a new file of mode 0600.
 * Args: path: must not exist; name: 1 … 63 of [A-Za-z0-9._-]; passphrase: 1 … 1023 bytes.
 * Errors: KEY_EXISTS (the file exists), INVALID_PARAMS (name or passphrase), STORAGE.
 * Source: Argon2id and XChaCha20-Poly1305 (libsodium); src/crypto/README.md has the format. */
LAYERD_MUST_CHECK enum layerd_error layerd_key_generate(const char *path, const char *name,
                                                        const char *passphrase,
                                                        struct layerd_failure *failure);

/* Opens a key file, also one of the node's wallet.export.
 * Out: key: to be closed with layerd_key_close, which wipes it.
 * Errors: NOT_FOUND, BAD_KEY_FILE, WRONG_PASSPHRASE, STORAGE. */
LAYERD_MUST_CHECK enum layerd_error layerd_key_open(const char *path, const char *passphrase,
                                                    struct layerd_key **key, struct layerd_failure *failure);

/* Args: key: may be NULL. */
void layerd_key_close(struct layerd_key *key);

/* Returns: the key's name, as given when it was made; lives as long as the key. */
const char *layerd_key_name(const struct layerd_key *key);

/* The key's account.
 * Args: network: "dev", "test" or "main" (addresses begin with lyt1 or ly1); NULL is "dev".
 * Out: address: bech32m (BIP-350) of the x-only public key.
 * Errors: INVALID_PARAMS for another network. */
LAYERD_MUST_CHECK enum layerd_error layerd_key_address(const struct layerd_key *key, const char *network,
                                                       char address[LAYERD_ADDRESS_MAX],
                                                       struct layerd_failure *failure);

/* Out: public_key: 64 hex digits, the x-only key (BIP-340). */
void layerd_key_public(const struct layerd_key *key, char public_key[LAYERD_HASH_MAX]);

/* A secret that this key alone can tell, and tells alike each time: so that a program which needs a salt of
 * its own need not keep it.
 * Args: tag: what kind of secret it is; subject: what it is for, 64 hex digits.
 * Out: secret: 64 hex digits.
 * Errors: INVALID_PARAMS when the subject is no 64 hex digits.
 * Source: the BIP-340 tagged hash `tag` of the secret key and the subject. */
LAYERD_MUST_CHECK enum layerd_error layerd_key_derive(const struct layerd_key *key, const char *tag,
                                                      const char *subject, char secret[LAYERD_HASH_MAX],
                                                      struct layerd_failure *failure);

/* What a key file says of itself; needs no passphrase, so it is not proved: layerd_key_open proves it.
 * Args: network: as layerd_key_address.
 * Out: name, address.
 * Errors: NOT_FOUND, BAD_KEY_FILE, STORAGE, INVALID_PARAMS. */
LAYERD_MUST_CHECK enum layerd_error layerd_key_inspect(const char *path, const char *network,
                                                       char name[LAYERD_NAME_MAX],
                                                       char address[LAYERD_ADDRESS_MAX],
                                                       struct layerd_failure *failure);

/* Builds a transaction and signs it; needs no node.
 * Args: chain: the node's chain id ("dev-…", see node.info); method, params: the command, params as one
 *       JSON object (NULL: none), numbers as integers within ±(2^53−1); valid_until_us: from this block
 *       time on it is refused; layerd_time and some minutes, say.
 * Out: signed_text: {"transaction":{…},"signature":"…"}, what transaction.submit takes; to be freed. id:
 *       the transaction's id, 64 hex digits. NULL when not wanted. The same signed text may be submitted
 *       any number of times: it runs once, and each time the first result comes back.
 * Errors: PARSE, INVALID_PARAMS, NOT_CANONICAL, LIMIT.
 * Source: RFC 8785 (canonical JSON), BIP-340 tagged hash "layerd/transaction", BIP-340 signature. */
LAYERD_MUST_CHECK enum layerd_error layerd_sign(const struct layerd_key *key, const char *chain,
                                                const char *method, const char *params,
                                                int64_t valid_until_us, char **signed_text,
                                                char id[LAYERD_HASH_MAX], struct layerd_failure *failure);

/* Submits what layerd_sign gave: the call transaction.submit.
 * Errors: as layerd_call. */
LAYERD_MUST_CHECK enum layerd_error layerd_submit_signed(struct layerd_client *client,
                                                         const char *signed_text, int timeout_ms,
                                                         char **result, struct layerd_failure *failure);

/* --- state channels with your own key --------------------------------------------------------- */

#define LAYERD_SIGNATURE_MAX 129 /* 128 hex digits with their final zero */

/* The id of a channel, from the encoding of its fixed part: compute it yourself before you sign for it.
 * Args: fixed: hex, as channel.encode gives it.
 * Out: channel: 64 hex digits.
 * Errors: INVALID_PARAMS, BAD_KEY (a participant is no key).
 * Source: BIP-340 tagged hash "layerd/channel/id"; src/crypto/channel.h has the encoding. */
LAYERD_MUST_CHECK enum layerd_error layerd_channel_id(const char *fixed, char channel[LAYERD_HASH_MAX],
                                                      struct layerd_failure *failure);

/* What a state says, for somebody about to sign it. */
struct layerd_channel_state {
    uint64_t turn;
    bool final;      /* it may conclude the channel */
    uint64_t share;  /* what goes to the key's account without any condition, in the asset's smallest unit */
    uint64_t total;  /* all of the asset that it gives away */
    size_t entries;  /* of its outcome, of all assets */
};

/* Args: state: hex, as the event channel.proposed and channel.status carry it; asset: which of the channel's
 *       assets, 0, 1, …
 * Errors: INVALID_PARAMS: it is not the encoding of a state. */
LAYERD_MUST_CHECK enum layerd_error layerd_channel_state_read(const char *state, const struct layerd_key *key,
                                                              unsigned asset,
                                                              struct layerd_channel_state *out,
                                                              struct layerd_failure *failure);

/* Signs a state of a channel, for channel.update and channel.sign; and a challenge with it, for
 * channel.challenge. Sign one state of a turn, never two.
 * Args: channel: 64 hex digits; state: hex.
 * Out: signature: 128 hex digits.
 * Errors: INVALID_PARAMS.
 * Source: BIP-340 over the tagged hashes "layerd/channel/state" and "layerd/channel/challenge". */
LAYERD_MUST_CHECK enum layerd_error layerd_channel_sign(const struct layerd_key *key, const char *channel,
                                                        const char *state,
                                                        char signature[LAYERD_SIGNATURE_MAX],
                                                        struct layerd_failure *failure);
LAYERD_MUST_CHECK enum layerd_error layerd_channel_sign_challenge(const struct layerd_key *key,
                                                                  const char *channel, const char *state,
                                                                  char signature[LAYERD_SIGNATURE_MAX],
                                                                  struct layerd_failure *failure);

/* What a withdrawal pays: to an account, which of the channel's assets, and how much of it. */
struct layerd_channel_payment {
    unsigned asset;
    uint64_t amount; /* in the asset's smallest unit */
    const char *to;  /* address */
};

/* Signs a withdrawal, for channel.take_out and channel.sign_withdrawal: the channel goes on with the state,
 * and the payments are made now. It may be brought before the ledger at any time until that has the state's
 * turn or a later one.
 * Args: channel: 64 hex digits; state: hex, as the event channel.withdrawal_proposed carries it; payments:
 *       `count` of them, 1 … 64, in the order in which that event has them.
 * Out: signature: 128 hex digits.
 * Errors: INVALID_PARAMS: also a payment to no address.
 * Source: BIP-340 over the tagged hash "layerd/channel/withdrawal". */
LAYERD_MUST_CHECK enum layerd_error
layerd_channel_sign_withdrawal(const struct layerd_key *key, const char *channel, const char *state,
                               const struct layerd_channel_payment *payments, size_t count,
                               char signature[LAYERD_SIGNATURE_MAX], struct layerd_failure *failure);

/* Signs a voucher: that much in all is promised to the payee of a channel that runs vouchers.
 * Errors: INVALID_PARAMS.
 * Source: BIP-340 over the tagged hash "layerd/channel/voucher". */
LAYERD_MUST_CHECK enum layerd_error layerd_channel_sign_voucher(const struct layerd_key *key,
                                                                const char *channel, uint64_t amount,
                                                                char signature[LAYERD_SIGNATURE_MAX],
                                                                struct layerd_failure *failure);

/* Signs an award, for channel.award: an arbiter says how the channel ends. Enough arbiters sign the same
 * state and fees.
 * Args: channel: 64 hex digits; state: hex, as channel.encode_state gives it for the turn on record; its
 *       data names the arbiters who take the fees (two bytes, bit i for arbiter i; without data all of them);
 *       fees: what they take of each of the channel's assets, all together; NULL and 0 when nothing.
 *       channel.award is told the same list.
 * Out: signature: 128 hex digits.
 * Errors: INVALID_PARAMS.
 * Source: BIP-340 over the tagged hash "layerd/channel/award". */
LAYERD_MUST_CHECK enum layerd_error layerd_channel_sign_award(const struct layerd_key *key,
                                                              const char *channel, const char *state,
                                                              const uint64_t *fees, size_t fee_count,
                                                              char signature[LAYERD_SIGNATURE_MAX],
                                                              struct layerd_failure *failure);

/* --- checking the log without trusting the node ----------------------------------------------- */

/* A signed head of the log. */
struct layerd_checkpoint {
    char origin[128];           /* whose log: "layerd/<node id>" */
    uint64_t size;              /* events covered */
    char root[LAYERD_HASH_MAX]; /* root of the RFC 6962 tree over their hashes, hex */
};

/* Checks a signed note and reads it.
 * Args: note: as checkpoint.get gives it or as kept elsewhere; verifier: the node's public key in the C2SP
 *       form "name+id+base64", from node.info at a time when it was trusted.
 * Errors: BAD_SIGNATURE, BAD_KEY (verifier), INVALID_PARAMS (a note, but no checkpoint).
 * Source: C2SP signed-note and tlog-checkpoint, Ed25519. */
LAYERD_MUST_CHECK enum layerd_error layerd_checkpoint_verify(const char *note, const char *verifier,
                                                             struct layerd_checkpoint *checkpoint,
                                                             struct layerd_failure *failure);

/* Checks that the event `seq` with this hash is in the log that the checkpoint covers.
 * Args: event_hash: 64 hex digits; proof, count: the node's proof.inclusion for size checkpoint->size,
 *       each 64 hex digits.
 * Errors: CORRUPT when the proof does not lead to the checkpoint's root; INVALID_PARAMS for what is not
 *       hex, PROOF_RANGE when seq is 0 or not covered.
 * Source: RFC 9162 §2.1.3.2; leaf hash = SHA-256(00 ‖ event hash). */
LAYERD_MUST_CHECK enum layerd_error layerd_inclusion_verify(const struct layerd_checkpoint *checkpoint,
                                                            uint64_t seq, const char *event_hash,
                                                            const char *const *proof, size_t count,
                                                            struct layerd_failure *failure);

/* Checks that the log of `later` is the log of `earlier` with events added: nothing was changed or taken
 * away.
 * Args: both verified; proof: the node's proof.consistency {first: earlier->size, second: later->size}.
 * Errors: FORK when it is not so, or the origins differ, or `earlier` covers more; INVALID_PARAMS for what
 *       is not hex.
 * Source: RFC 9162 §2.1.4.2. */
LAYERD_MUST_CHECK enum layerd_error layerd_consistency_verify(const struct layerd_checkpoint *earlier,
                                                              const struct layerd_checkpoint *later,
                                                              const char *const *proof, size_t count,
                                                              struct layerd_failure *failure);

/* Computes an event's hash from the hash of the one before and all that the event says, so that its text
 * is bound to the log.
 * Args: previous: 64 hex digits, or for event 1 the node id as 32 hex digits (node.info); event: as
 *       layerd_event_next or layerd_event_parse gave it, in the native format.
 * Out: hash: to be compared with event->hash.
 * Errors: INVALID_PARAMS.
 * Source: schema/README.md, "event": BLAKE2b-256 over "layerd/event/1" and the columns. */
LAYERD_MUST_CHECK enum layerd_error layerd_event_hash(const struct layerd_event *event, const char *previous,
                                                      char hash[LAYERD_HASH_MAX],
                                                      struct layerd_failure *failure);

/* Reads one event line (an element of events.get, a line of a saved stream).
 * Out: event: points into *storage, which is to be freed.
 * Errors: PROTOCOL when the text is no event line. */
LAYERD_MUST_CHECK enum layerd_error layerd_event_parse(const char *line, struct layerd_event *event,
                                                       void **storage, struct layerd_failure *failure);

#ifdef __cplusplus
}
#endif

#endif
