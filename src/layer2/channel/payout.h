/* What a finalized outcome gives to whom, pure: shares by what is held, penalties, and reclaiming a
 * guarantee. Outcomes are changed in place: what was paid is taken off, entries keep their place. */
#ifndef LAYER2_CHANNEL_PAYOUT_H
#define LAYER2_CHANNEL_PAYOUT_H

#include "crypto/channel.h"

/* What each allocation of `asset` would get of `held` if all were paid now: earlier entries first, also when
 * they are not asked for. `shares` has one number for each allocation of the state; others are left alone. */
void payout_shares(const struct channel_state *outcome, unsigned asset, uint64_t held, uint64_t *shares);

/* What stands before any payment: the channel is finalized, indices rise strictly, the outcome is the one
 * that the caller means (`given` NULL: whichever is on record), and the entries are there and no guarantees.
 * ERROR_CHANNEL_NOT_FINALIZED, ERROR_INDICES_NOT_INCREASING, ERROR_FINGERPRINT_MISMATCH,
 * ERROR_INVALID_PARAMS, ERROR_GUARANTEE_NOT_TRANSFERABLE, in this order. */
MUST_CHECK enum status payout_check(const struct channel_state *outcome, bool finalized,
                                    const uint64_t *indices, size_t count, const struct hash *given,
                                    const struct hash *stored, struct error *error);
/* Whether entry `i` is among those asked for, which rise; no indices ask for all. */
bool payout_asked(const uint64_t *indices, size_t count, size_t i);

/* Takes the penalty off each simple allocation to the cheater's own key and gives it to the other
 * participants' keys in equal parts, what does not divide to the first of them. `outcome` must have room for
 * CHANNEL_PARTICIPANTS_MAX more entries an asset. Returns whether anything moved. */
bool payout_penalty(const struct channel_fixed *fixed, size_t cheater, struct channel_state *outcome);
#define PAYOUT_PENALTY_ROOM ((size_t)CHANNEL_PARTICIPANTS_MAX * CHANNEL_ASSETS_MAX)

/* Brings guarantee `index` of a finalized `source` home: the guarantee's two ends get what the target's
 * outcome gives its two entries, left first, and the guarantee is taken out (entries behind it move up by
 * one). ERROR_INVALID_PARAMS for an index that is not there, ERROR_NOT_A_GUARANTEE, ERROR_WRONG_CHANNEL,
 * ERROR_ASSET_MISMATCH, ERROR_CHANNEL_NOT_FINALIZED (the target), ERROR_FINGERPRINT_MISMATCH (of the target's
 * outcome; `given` NULL: whichever is on record), ERROR_LEFT_NOT_FOUND, ERROR_RIGHT_NOT_FOUND,
 * ERROR_AMOUNT_MISMATCH, in this order. */
MUST_CHECK enum status payout_reclaim(const struct channel_fixed *source_fixed, struct channel_state *source,
                                      size_t index, const struct hash *target_id,
                                      const struct channel_fixed *target_fixed,
                                      const struct channel_state *target, bool target_finalized,
                                      const struct hash *given, const struct hash *stored,
                                      struct error *error);

#endif
