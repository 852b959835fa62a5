/* See registers.h. The item stands in the registers as it is published: there is no second form of it. */
#include "layer2/rollup/registers.h"

#include <string.h>

#include "crypto/hash.h"

#define STEP_TAG "layerd/rollup/step"
#define REGISTERS_TAG "layerd/rollup/registers"
#define FLAG_NULL 1U
#define FLAG_KNOWN 2U
#define HEAD_SIZE 14
#define FORCED_HEAD_SIZE 9

/* After the first step and before the second one the signature is still needed. */
static bool signature_needed(uint64_t done)
{
    return done % ITEM_STEPS == 1;
}

/* --- writing ---------------------------------------------------------------------------------- */

static size_t transaction_write(const struct machine *machine, uint8_t *out)
{
    const struct item *item = &machine->registers.item;
    size_t size = transaction_body(item, out);

    if (!signature_needed(machine->done))
        return size;
    memcpy(out + size, item->signature.bytes, sizeof item->signature);
    return size + sizeof item->signature;
}

static size_t item_write(const struct machine *machine, uint8_t *out)
{
    const struct item *item = &machine->registers.item;
    struct buffer buffer = { out, 0, ITEM_SIZE_MAX };

    if (item->kind == ITEM_DEPOSIT || item->kind == ITEM_FORCED_EXIT || item->kind == ITEM_EXITED) {
        inbox_item_encode(item, &buffer); /* fits: the memory stays ours */
        return buffer.size;
    }
    if (!item->inbox)
        return transaction_write(machine, out);
    inbox_forced_encode(item->number, bytes_of(NULL, 0), &buffer);
    return buffer.size + transaction_write(machine, out + buffer.size);
}

size_t registers_encode(const struct machine *machine, uint8_t out[REGISTERS_SIZE_MAX])
{
    const struct registers *registers = &machine->registers;

    INVARIANT(registers->active, "registers between items");
    out[0] = (uint8_t)((registers->null ? FLAG_NULL : 0) | (registers->known ? FLAG_KNOWN : 0));
    out[1] = (uint8_t)registers->fault;
    put_be64(out + 2, registers->amount);
    put_be32(out + 10, registers->index);
    return HEAD_SIZE + (registers->null ? 0 : item_write(machine, out + HEAD_SIZE));
}

void machine_commitment(struct hash *out, const struct hash *context, const struct machine *machine,
                        const struct hash *root)
{
    uint8_t bytes[REGISTERS_SIZE_MAX], done[8], status = (uint8_t)machine->status;
    struct hash registers = { .bytes = { 0 } };
    struct tagged_hash h;

    if (machine->registers.active)
        tagged_hash(&registers, REGISTERS_TAG, bytes, registers_encode(machine, bytes));
    put_be64(done, machine->done);
    tagged_hash_begin(&h, STEP_TAG);
    tagged_hash_add(&h, context->bytes, sizeof *context);
    tagged_hash_add(&h, done, sizeof done);
    tagged_hash_add(&h, root->bytes, sizeof *root);
    tagged_hash_add(&h, &status, sizeof status);
    tagged_hash_add(&h, registers.bytes, sizeof registers);
    tagged_hash_end(&h, out);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool transaction_read(struct bytes bytes, uint64_t done, unsigned assets, struct item *item)
{
    struct signature signature = { .bytes = { 0 } };

    if (signature_needed(done)) {
        if (bytes.size < sizeof signature)
            return false;
        bytes.size -= sizeof signature;
        memcpy(signature.bytes, bytes.data + bytes.size, sizeof signature);
    }
    if (!transaction_body_decode(bytes, assets, item))
        return false;
    item->signature = signature;
    return true;
}

static bool item_read(struct bytes bytes, uint64_t done, unsigned assets, struct item *item)
{
    if (bytes.size == 0)
        return false;
    if (bytes.data[0] == ITEM_DEPOSIT || bytes.data[0] == ITEM_FORCED_EXIT || bytes.data[0] == ITEM_EXITED)
        return inbox_item_decode(bytes, NULL, assets, item, NULL) == OK;
    if (bytes.data[0] != ITEM_FORCED)
        return transaction_read(bytes, done, assets, item);
    if (bytes.size < FORCED_HEAD_SIZE)
        return false;
    const struct bytes transaction = { bytes.data + FORCED_HEAD_SIZE, bytes.size - FORCED_HEAD_SIZE };
    uint64_t number = get_be64(bytes.data + 1);
    if (number > INTEGER_MAX || !transaction_read(transaction, done, assets, item))
        return false;
    item->inbox = true;
    item->number = number;
    return true;
}

bool registers_decode(struct bytes bytes, uint64_t done, unsigned assets, struct registers *registers)
{
    memset(registers, 0, sizeof *registers);
    if (bytes.size < HEAD_SIZE || bytes.size > REGISTERS_SIZE_MAX ||
        (bytes.data[0] & ~(FLAG_NULL | FLAG_KNOWN)) != 0 || bytes.data[1] > FAULT_STATE)
        return false;
    registers->active = true;
    registers->null = (bytes.data[0] & FLAG_NULL) != 0;
    registers->known = (bytes.data[0] & FLAG_KNOWN) != 0;
    registers->fault = (enum item_fault)bytes.data[1];
    registers->amount = get_be64(bytes.data + 2);
    registers->index = get_be32(bytes.data + 10);
    if (registers->null != (registers->fault != FAULT_NONE) || registers->amount > INTEGER_MAX)
        return false;
    const struct bytes item = { bytes.data + HEAD_SIZE, bytes.size - HEAD_SIZE };
    if (registers->null)
        return item.size == 0;
    return item_read(item, done, assets, &registers->item);
}
