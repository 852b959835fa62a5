-- What people and tools read: ids as lower-case hex, times as ISO 8601 in UTC with microseconds, states as words. These
-- views are a documented, stable interface (schema/README.md); the tables below them may change. Plain sqlite3 reads all
-- of them. Applied anew, after dropping every view, whenever this file changes.

CREATE VIEW v_event AS
SELECT seq,
       block,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch') || printf('.%06dZ', time_us % 1000000) AS time,
       type,
       subject,
       body,
       last,
       lower(hex(hash)) AS hash
  FROM event;

-- The same with the events of one subject found fast: WHERE subject = '…'. Most from the filed ones, the newest by a scan.
CREATE VIEW v_subject_event AS
SELECT s.subject,
       s.seq,
       e.block,
       strftime('%Y-%m-%dT%H:%M:%S', e.time_us / 1000000, 'unixepoch') || printf('.%06dZ', e.time_us % 1000000) AS time,
       e.type,
       e.body,
       e.last,
       lower(hex(e.hash)) AS hash
  FROM event_subject AS s CROSS JOIN event AS e ON e.seq = s.seq
UNION ALL
SELECT e.subject,
       e.seq,
       e.block,
       strftime('%Y-%m-%dT%H:%M:%S', e.time_us / 1000000, 'unixepoch') || printf('.%06dZ', e.time_us % 1000000),
       e.type,
       e.body,
       e.last,
       lower(hex(e.hash))
  FROM event AS e
 WHERE e.seq > (SELECT upto FROM event_subject_progress)
   AND e.subject IS NOT NULL;

CREATE VIEW v_block AS
SELECT height,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch') || printf('.%06dZ', time_us % 1000000) AS time,
       strftime('%Y-%m-%dT%H:%M:%S', chain_time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', chain_time_us % 1000000) AS chain_time,
       transactions,
       events,
       first_seq,
       lower(hex(content)) AS content,
       lower(hex(previous)) AS previous,
       lower(hex(hash)) AS hash
  FROM block;

CREATE VIEW v_transaction AS
SELECT number,
       lower(hex(id)) AS id,
       block,
       lower(hex(account)) AS account,
       method,
       CASE WHEN method NOT IN ('transfer.reveal') THEN body END AS body, -- the sealed ones (src/kernel/module.h)
       lower(hex(signature)) AS signature,
       result,
       first_seq,
       last_seq
  FROM signed_transaction;

CREATE VIEW v_checkpoint AS
SELECT size,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch') || printf('.%06dZ', time_us % 1000000) AS time,
       lower(hex(root)) AS root,
       note
  FROM checkpoint;

CREATE VIEW v_cursor AS
SELECT name,
       owner_uid,
       acknowledged,
       (SELECT coalesce(max(seq), 0) FROM event) - acknowledged AS lag,
       max_lag,
       strftime('%Y-%m-%dT%H:%M:%S', updated_us / 1000000, 'unixepoch')
         || printf('.%06dZ', updated_us % 1000000) AS updated,
       filter
  FROM cursor;

CREATE VIEW v_deadline AS
SELECT id,
       CASE clock WHEN 0 THEN 'block' ELSE 'chain' END AS clock,
       strftime('%Y-%m-%dT%H:%M:%S', due_us / 1000000, 'unixepoch') || printf('.%06dZ', due_us % 1000000) AS due,
       kind,
       lower(hex(subject)) AS subject
  FROM deadline;

CREATE VIEW v_effect AS
SELECT id,
       kind,
       key,
       state,
       attempts,
       strftime('%Y-%m-%dT%H:%M:%S', next_us / 1000000, 'unixepoch') || printf('.%06dZ', next_us % 1000000) AS next,
       strftime('%Y-%m-%dT%H:%M:%S', created_us / 1000000, 'unixepoch')
         || printf('.%06dZ', created_us % 1000000) AS created,
       strftime('%Y-%m-%dT%H:%M:%S', ended_us / 1000000, 'unixepoch') || printf('.%06dZ', ended_us % 1000000) AS ended,
       request,
       result
  FROM effect;

-- --- ledger ---------------------------------------------------------------------------------------------------------

-- Every asset with its unit: 10^decimals, by which its amounts are divided when shown. The `…_shown` columns
-- of the views below are exact decimal text, the columns without it integers in the smallest unit.
CREATE VIEW v_unit AS
SELECT id AS asset,
       symbol,
       decimals,
       CAST(substr('1000000000000000000', 1, decimals + 1) AS INTEGER) AS unit
  FROM asset;

CREATE VIEW v_account AS
SELECT address,
       kind,
       lower(hex(account.id)) AS id,
       first_seq,
       strftime('%Y-%m-%dT%H:%M:%S', event.time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', event.time_us % 1000000) AS first_time
  FROM account
  LEFT JOIN event ON event.seq = account.first_seq;

CREATE VIEW v_asset AS
SELECT asset.symbol,
       name,
       asset.decimals,
       supply,
       iif(asset.decimals = 0, printf('%d', supply),
           printf('%d.%0*d', supply / unit, asset.decimals, supply % unit)) AS supply_shown,
       max_supply,
       iif(asset.decimals = 0, printf('%d', max_supply),
           printf('%d.%0*d', max_supply / unit, asset.decimals, max_supply % unit)) AS max_supply_shown,
       account.address AS issuer,
       metadata,
       lower(hex(asset.id)) AS id,
       created_seq
  FROM asset
  JOIN v_unit ON v_unit.asset = asset.id
  LEFT JOIN account ON account.id = asset.issuer;

CREATE VIEW v_balance AS
SELECT domain.name AS domain,
       address,
       account.kind,
       symbol,
       amount,
       iif(decimals = 0, printf('%d', amount),
           printf('%d.%0*d', amount / unit, decimals, amount % unit)) AS amount_shown,
       lower(hex(balance.account)) AS account,
       lower(hex(balance.asset)) AS asset
  FROM balance
  JOIN domain ON domain.id = balance.domain
  JOIN v_unit ON v_unit.asset = balance.asset
  LEFT JOIN account ON account.id = balance.account;

CREATE VIEW v_posting AS
SELECT posting.seq,
       entry,
       strftime('%Y-%m-%dT%H:%M:%S', event.time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', event.time_us % 1000000) AS time,
       event.type,
       domain.name AS domain,
       address,
       symbol,
       amount,
       iif(decimals = 0, printf('%d', amount),
           printf('%s%d.%0*d', iif(amount < 0, '-', ''),
                  abs(amount) / unit, decimals, abs(amount) % unit)) AS amount_shown,
       balance,
       iif(decimals = 0, printf('%d', balance),
           printf('%d.%0*d', balance / unit, decimals, balance % unit)) AS balance_shown,
       lower(hex(posting.account)) AS account,
       lower(hex(posting.asset)) AS asset
  FROM posting
  JOIN event ON event.seq = posting.seq
  JOIN domain ON domain.id = posting.domain
  JOIN v_unit ON v_unit.asset = posting.asset
  LEFT JOIN account ON account.id = posting.account;

CREATE VIEW v_escrow AS
SELECT lower(hex(escrow.id)) AS id,
       state,
       symbol,
       amount,
       iif(decimals = 0, printf('%d', amount),
           printf('%d.%0*d', amount / unit, decimals, amount % unit)) AS amount_shown,
       sender.address AS sender,
       recipient.address AS recipient,
       lower(hex(escrow.hash)) AS hash,
       lower(hex(preimage)) AS preimage,
       strftime('%Y-%m-%dT%H:%M:%S', deadline_us / 1000000, 'unixepoch')
         || printf('.%06dZ', deadline_us % 1000000) AS deadline,
       strftime('%Y-%m-%dT%H:%M:%S', created.time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', created.time_us % 1000000) AS created,
       strftime('%Y-%m-%dT%H:%M:%S', closed.time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', closed.time_us % 1000000) AS closed,
       created_seq,
       closed_seq
  FROM escrow
  JOIN v_unit ON v_unit.asset = escrow.asset
  LEFT JOIN account AS sender ON sender.id = escrow.sender
  LEFT JOIN account AS recipient ON recipient.id = escrow.recipient
  LEFT JOIN event AS created ON created.seq = escrow.created_seq
  LEFT JOIN event AS closed ON closed.seq = escrow.closed_seq;

-- Where each asset is: `supply` is `in_accounts` + `in_escrows` + `in_channels` + `elsewhere`.
CREATE VIEW v_supply AS
SELECT symbol,
       decimals,
       supply,
       coalesce(sum(amount) FILTER (WHERE kind = 'key'), 0) AS in_accounts,
       coalesce(sum(amount) FILTER (WHERE kind = 'escrow'), 0) AS in_escrows,
       coalesce(sum(amount) FILTER (WHERE kind = 'channel'), 0) AS in_channels,
       coalesce(sum(amount) FILTER (WHERE kind NOT IN ('key', 'escrow', 'channel')), 0) AS elsewhere,
       count(DISTINCT account.id) FILTER (WHERE kind = 'key') AS holders,
       max_supply
  FROM asset
  LEFT JOIN balance ON balance.asset = asset.id
  LEFT JOIN account ON account.id = balance.account
 GROUP BY asset.id;

-- From the events, so that the memo is there too.
CREATE VIEW v_transfer AS
SELECT seq,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', time_us % 1000000) AS time,
       body ->> '$.from' AS sender,
       body ->> '$.to' AS recipient,
       symbol,
       amount,
       iif(decimals = 0, printf('%d', amount),
           printf('%d.%0*d', amount / unit, decimals, amount % unit)) AS amount_shown,
       memo
  FROM (SELECT seq, time_us, body, body ->> '$.amount' AS amount, body ->> '$.memo' AS memo,
               body ->> '$.asset' AS name
          FROM event WHERE type = 'ledger.transferred')
  JOIN v_unit ON v_unit.symbol = name;

-- Channels as the base ledger has them. Ends are chain time; `left_us` is how much of it is left.
CREATE VIEW v_channel AS
SELECT lower(hex(channel.id)) AS id,
       CASE WHEN outcome IS NOT NULL OR finalizes_us <= now.chain_time_us THEN 'finalized'
            WHEN finalizes_us IS NULL THEN 'open' ELSE 'challenge' END AS mode,
       application,
       (SELECT group_concat(name, ' ')
          FROM (SELECT coalesce(address, lower(hex(p.account))) AS name
                  FROM channel_participant AS p
                  LEFT JOIN account ON account.id = p.account
                 WHERE p.channel = channel.id
                 ORDER BY position)) AS participants,
       turn_record,
       finalizes_us,
       iif(outcome IS NULL, max(0, finalizes_us - now.chain_time_us), NULL) AS left_us,
       holding.address AS holding,
       strftime('%Y-%m-%dT%H:%M:%S', event.time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', event.time_us % 1000000) AS registered,
       registered_seq
  FROM channel
  JOIN account AS holding ON holding.id = channel.holding
  JOIN event ON event.seq = registered_seq
  JOIN (SELECT chain_time_us FROM block ORDER BY height DESC LIMIT 1) AS now;

CREATE VIEW v_channel_holding AS
SELECT lower(hex(channel.id)) AS channel,
       symbol,
       amount,
       iif(decimals = 0, printf('%d', amount),
           printf('%d.%0*d', amount / unit, decimals, amount % unit)) AS amount_shown
  FROM channel
  JOIN balance ON balance.account = channel.holding AND domain = 0
  JOIN v_unit ON v_unit.asset = balance.asset;

-- Channels with a challenge or an arbitration case, or in which somebody was proved to cheat.
CREATE VIEW v_dispute AS
SELECT v_channel.id AS channel,
       v_channel.mode,
       v_channel.turn_record,
       challenge_turn,
       coalesce(challenger.address, lower(hex(channel_participant.account))) AS challenger,
       (SELECT group_concat(name, ' ')
          FROM (SELECT coalesce(address, lower(hex(p.account))) AS name
                  FROM channel_participant AS p
                  LEFT JOIN account ON account.id = p.account
                 WHERE p.channel = channel.id AND cheaters >> position & 1
                 ORDER BY position)) AS cheaters,
       v_channel.finalizes_us,
       v_channel.left_us,
       CASE case_state WHEN 1 THEN 'open' WHEN 2 THEN 'awarded' WHEN 3 THEN 'lapsed' END AS case_state,
       claim,
       evidence_until_us,
       (SELECT count(*) FROM channel_evidence AS e WHERE e.channel = channel.id) AS evidence
  FROM channel
  JOIN v_channel ON v_channel.registered_seq = channel.registered_seq
  LEFT JOIN channel_participant ON channel_participant.channel = channel.id AND position = channel.challenger
  LEFT JOIN account AS challenger ON challenger.id = channel_participant.account
  LEFT JOIN channel_case ON channel_case.channel = channel.id
 WHERE channel.challenger >= 0 OR case_state <> 0 OR cheaters <> 0;

-- Hash-locks of channels that ended, which wait for a preimage or their expiry.
CREATE VIEW v_hashlock AS
SELECT lower(hex(channel)) AS channel,
       lock,
       lower(hex(hash)) AS hash,
       strftime('%Y-%m-%dT%H:%M:%S', expiry_us / 1000000, 'unixepoch')
         || printf('.%06dZ', expiry_us % 1000000) AS expiry
  FROM channel_hashlock;

CREATE VIEW v_preimage AS
SELECT lower(hex(hash)) AS hash,
       lower(hex(preimage)) AS preimage,
       strftime('%Y-%m-%dT%H:%M:%S', revealed_us / 1000000, 'unixepoch')
         || printf('.%06dZ', revealed_us % 1000000) AS revealed,
       seq
  FROM preimage;

-- Channels as this node's participants see them.
CREATE VIEW v_channel_local AS
SELECT lower(hex(id)) AS id,
       CASE phase WHEN 0 THEN 'proposed' WHEN 1 THEN 'funding' WHEN 2 THEN 'funded'
                  WHEN 3 THEN iif(staged IS NULL, 'running', 'signing') WHEN 4 THEN 'suspended'
                  WHEN 5 THEN 'dispute' WHEN 6 THEN 'final' WHEN 7 THEN 'defunding' WHEN 8 THEN 'closed'
                  WHEN 10 THEN 'closing' ELSE 'rejected' END AS phase,
       next_turn,
       (SELECT count(*)
          FROM channel_signature AS s
         WHERE s.channel = channel_local.id
           AND s.turn = (SELECT max(turn) FROM channel_signature AS t WHERE t.channel = channel_local.id))
         AS signatures,
       strftime('%Y-%m-%dT%H:%M:%S', changed_us / 1000000, 'unixepoch')
         || printf('.%06dZ', changed_us % 1000000) AS changed,
       created_seq
  FROM channel_local;

CREATE VIEW v_equivocation AS
SELECT lower(hex(channel)) AS channel,
       turn,
       participant,
       lower(hex(first_hash)) AS first_hash,
       lower(hex(second_hash)) AS second_hash,
       seq
  FROM channel_equivocation;

CREATE VIEW v_tower AS
SELECT lower(hex(channel)) AS channel,
       turn,
       turn_record,
       mode,
       number,
       strftime('%Y-%m-%dT%H:%M:%S', updated_us / 1000000, 'unixepoch')
         || printf('.%06dZ', updated_us % 1000000) AS updated
  FROM tower_appointment
  LEFT JOIN v_channel ON v_channel.id = lower(hex(tower_appointment.channel));

CREATE VIEW v_voucher AS
SELECT lower(hex(channel)) AS channel,
       amount,
       strftime('%Y-%m-%dT%H:%M:%S', updated_us / 1000000, 'unixepoch')
         || printf('.%06dZ', updated_us % 1000000) AS updated
  FROM channel_voucher;

-- Invoices of this node's keys. The preimage shows once it is no secret any more.
CREATE VIEW v_invoice AS
SELECT lower(hex(hash)) AS hash,
       CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'accepted' WHEN 2 THEN 'settled' WHEN 3 THEN 'canceled'
                  ELSE 'expired' END AS state,
       coalesce((SELECT address FROM account WHERE id = payee), lower(hex(payee))) AS payee,
       symbol,
       amount,
       received,
       description,
       hold,
       iif(state = 2, lower(hex(preimage)), NULL) AS preimage,
       strftime('%Y-%m-%dT%H:%M:%S', expires_us / 1000000, 'unixepoch')
         || printf('.%06dZ', expires_us % 1000000) AS expires,
       strftime('%Y-%m-%dT%H:%M:%S', ended_us / 1000000, 'unixepoch')
         || printf('.%06dZ', ended_us % 1000000) AS ended,
       text AS invoice,
       created_seq
  FROM invoice
  LEFT JOIN v_unit ON v_unit.asset = invoice.asset;

-- Payments of this node's keys.
CREATE VIEW v_payment AS
SELECT lower(hex(hash)) AS hash,
       CASE state WHEN 0 THEN 'in_flight' WHEN 1 THEN 'settled' ELSE 'failed' END AS state,
       coalesce((SELECT address FROM account WHERE id = payer), lower(hex(payer))) AS payer,
       coalesce((SELECT address FROM account WHERE id = payee), lower(hex(payee))) AS payee,
       symbol,
       amount,
       iif(decimals = 0, printf('%d', amount),
           printf('%d.%0*d', amount / unit, decimals, amount % unit)) AS amount_shown,
       fee,
       fee_limit,
       (SELECT count(*) FROM payment_part AS p WHERE p.hash = payment.hash) AS parts,
       CASE failure WHEN 0 THEN NULL WHEN 1 THEN 'incorrect_or_unknown_payment_details'
                    WHEN 2 THEN 'invoice_ended' WHEN 3 THEN 'mpp_timeout' WHEN 4 THEN 'temporary_channel_failure'
                    WHEN 5 THEN 'channel_disabled' WHEN 6 THEN 'fee_insufficient' WHEN 7 THEN 'expiry_too_soon'
                    WHEN 8 THEN 'expired' WHEN 9 THEN 'no_route' WHEN 10 THEN 'timeout' WHEN 11 THEN 'canceled'
                    WHEN 12 THEN 'expiry_too_far' ELSE 'balance_limit' END
         AS failure,
       lower(hex(preimage)) AS preimage,
       strftime('%Y-%m-%dT%H:%M:%S', created_us / 1000000, 'unixepoch')
         || printf('.%06dZ', created_us % 1000000) AS created,
       strftime('%Y-%m-%dT%H:%M:%S', ended_us / 1000000, 'unixepoch')
         || printf('.%06dZ', ended_us % 1000000) AS ended,
       created_seq
  FROM payment
  LEFT JOIN v_unit ON v_unit.asset = payment.asset;

-- Hash-locks of this node's channels, live and ended.
CREATE VIEW v_htlc AS
SELECT htlc.id,
       lower(hex(channel)) AS channel,
       offerer,
       lower(hex(hash)) AS hash,
       amount,
       CASE state WHEN 0 THEN 'wanted' WHEN 1 THEN 'offered' WHEN 2 THEN 'locked' WHEN 3 THEN 'fulfilling'
                  WHEN 4 THEN 'failing' WHEN 5 THEN 'fulfilled'
                  ELSE iif(failure = 8, 'timed_out', 'failed') END AS state,
       state < 5 AS live,
       overdue,
       part,
       hop,
       strftime('%Y-%m-%dT%H:%M:%S', expiry_us / 1000000, 'unixepoch')
         || printf('.%06dZ', expiry_us % 1000000) AS expiry,
       strftime('%Y-%m-%dT%H:%M:%S', htlc.changed_us / 1000000, 'unixepoch')
         || printf('.%06dZ', htlc.changed_us % 1000000) AS changed
  FROM htlc;

-- What came in and went out through channels, a line each: paid, received, and fees kept by who passed on.
CREATE VIEW v_statement AS
SELECT ended_us,
       strftime('%Y-%m-%dT%H:%M:%S', ended_us / 1000000, 'unixepoch')
         || printf('.%06dZ', ended_us % 1000000) AS time,
       coalesce((SELECT address FROM account WHERE id = who), lower(hex(who))) AS account,
       symbol,
       kind,
       change,
       lower(hex(hash)) AS hash
  FROM (SELECT ended_us, payer AS who, asset, 'paid' AS kind,
               -(SELECT sum(amount) FROM payment_part AS p WHERE p.hash = payment.hash AND p.state = 1) AS change,
               hash
          FROM payment WHERE state = 1
        UNION ALL
        SELECT ended_us, payer, asset, 'fee',
               -(SELECT sum(fee) FROM payment_part AS p WHERE p.hash = payment.hash AND p.state = 1), hash
          FROM payment WHERE state = 1 AND fee > 0
        UNION ALL
        SELECT ended_us, payee, asset, 'received', received, hash FROM invoice WHERE state = 2
        UNION ALL
        SELECT b.changed_us, p.account, payment.asset, 'forwarded', a.amount - b.amount, b.hash
          FROM htlc AS b
          JOIN htlc AS a ON a.hash = b.hash AND a.part = b.part AND a.hop = b.hop - 1 AND a.state = 5
          JOIN channel_participant AS p ON p.channel = b.channel AND p.position = b.offerer
          JOIN payment ON payment.hash = b.hash
         WHERE b.state = 5) AS s
  LEFT JOIN v_unit ON v_unit.asset = s.asset;

-- --- messages: domains above the base ledger, what enters them and what left ------------------------------------------
CREATE VIEW v_domain AS
SELECT message_domain.domain,
       domain.name,
       domain.kind,
       lower(hex(escrow)) AS escrow,
       address AS escrow_address,
       lower(hex(root)) AS outbox_root,
       count AS withdrawals,
       (SELECT count(*) FROM inbox INDEXED BY inbox_queued
         WHERE inbox.domain = message_domain.domain AND state = 'queued') AS waiting
  FROM message_domain
  JOIN domain ON domain.id = message_domain.domain
  LEFT JOIN account ON account.id = escrow;

CREATE VIEW v_inbox AS
SELECT inbox.domain,
       inbox.number,
       state,
       address AS sender,
       symbol,
       amount,
       lower(hex(payload)) AS payload,
       queued_us,
       deadline_us,
       queued_seq,
       lasting
  FROM inbox
  JOIN domain_asset ON domain_asset.domain = inbox.domain AND domain_asset.number = inbox.asset
  JOIN v_unit ON v_unit.asset = domain_asset.asset
  LEFT JOIN account ON account.id = sender;

CREATE VIEW v_withdrawal_claim AS
SELECT domain,
       number,
       symbol,
       amount,
       coalesce(address, lower(hex(recipient))) AS recipient,
       strftime('%Y-%m-%dT%H:%M:%S', time_us / 1000000, 'unixepoch')
         || printf('.%06dZ', time_us % 1000000) AS claimed,
       claimed_seq
  FROM withdrawal_claim
  JOIN v_unit ON v_unit.asset = withdrawal_claim.asset
  LEFT JOIN account ON account.id = recipient
  LEFT JOIN event ON event.seq = claimed_seq;

CREATE VIEW v_credit AS
SELECT credit.id,
       credit.domain,
       symbol,
       amount,
       coalesce(address, lower(hex(recipient))) AS recipient,
       created_seq
  FROM credit
  JOIN domain_asset ON domain_asset.domain = credit.domain AND domain_asset.number = credit.asset
  JOIN v_unit ON v_unit.asset = domain_asset.asset
  LEFT JOIN account ON account.id = recipient;

-- Dispute games about rollups' batches. Times are chain time in µs.
CREATE VIEW v_game AS
SELECT lower(hex(game.id)) AS game,
       lower(hex(batch)) AS batch,
       domain,
       CASE status WHEN 0 THEN 'running' WHEN 1 THEN 'defended' WHEN 2 THEN 'defeated' ELSE 'void' END AS status,
       CASE closing WHEN 0 THEN 'open' WHEN 1 THEN 'normal' WHEN 2 THEN 'refund' ELSE 'filled' END AS closing,
       max_depth,
       claims,
       symbol,
       pot,
       coalesce((SELECT sum(amount) FROM payout WHERE payout.game = game.id), 0) AS paid,
       coalesce((SELECT sum(burned) FROM payout WHERE payout.game = game.id), 0) AS burned,
       begun_us,
       ended_us,
       closed_us,
       begun_seq
  FROM game
  LEFT JOIN rollup USING (domain)
  LEFT JOIN asset ON asset.id = rollup.bond_asset;

-- Their claims, and what became of each bond.
CREATE VIEW v_claim AS
SELECT lower(hex(claim.game)) AS game,
       claim.number,
       claim.parent,
       claim.position,
       lower(hex(claim.value)) AS value,
       coalesce((SELECT address FROM account WHERE id = claimant), lower(hex(claimant))) AS claimant,
       claim.bond,
       claim.made_us,
       claim.deadline_us,
       claim.countered,
       coalesce((SELECT address FROM account WHERE id = countered_by), lower(hex(countered_by))) AS countered_by,
       CASE step.kind WHEN 2 THEN 'attack' WHEN 3 THEN 'defend' END AS step,
       claim.resolved,
       coalesce((SELECT address FROM account WHERE id = payout.recipient), lower(hex(payout.recipient))) AS paid_to,
       payout.amount AS paid,
       payout.burned
  FROM claim
  LEFT JOIN step ON step.game = claim.game AND step.claim = claim.number
  LEFT JOIN payout ON payout.game = claim.game AND payout.claim = claim.number;

CREATE VIEW v_rollup AS
SELECT rollup.domain,
       lower(hex(rollup.id)) AS rollup,
       operator.address AS operator,
       escrow.address AS escrow,
       (SELECT group_concat(symbol) FROM (SELECT symbol FROM domain_asset
          JOIN v_unit ON v_unit.asset = domain_asset.asset
         WHERE domain_asset.domain = rollup.domain ORDER BY domain_asset.number)) AS assets,
       unit.symbol AS bond_symbol,
       bond,
       frozen,
       epoch,
       unfreeze_at_us,
       exits_end,
       head,
       final,
       rollup_lane.number AS executed,
       stalled,
       jailed_until_us,
       CASE availability WHEN 0 THEN 'ledger' ELSE 'committee' END AS availability,
       (SELECT count(*) FROM rollup_committee WHERE rollup_committee.domain = rollup.domain) AS committee,
       committee_threshold,
       availability_us,
       availability_bond,
       (SELECT count(*) FROM rollup_data_missing AS missing JOIN batch ON batch.id = missing.batch
         WHERE missing.domain = rollup.domain AND batch.state < 4) AS missing,
       challenge_us,
       air_gap_us,
       forced_us,
       escape_us,
       unfreeze_us,
       lower(hex(genesis_root)) AS genesis_root,
       created_seq
  FROM rollup
  LEFT JOIN account AS operator ON operator.id = rollup.operator
  LEFT JOIN account AS escrow ON escrow.id = rollup.escrow
  LEFT JOIN v_unit AS unit ON unit.asset = rollup.bond_asset
  LEFT JOIN rollup_lane USING (domain);

CREATE VIEW v_batch AS
SELECT batch.domain,
       number,
       lower(hex(batch.id)) AS batch,
       CASE state WHEN 0 THEN 'proposed' WHEN 1 THEN 'challenged' WHEN 2 THEN 'accepted' WHEN 3 THEN 'final'
         WHEN 4 THEN 'rejected' WHEN 5 THEN 'parent_rejected' ELSE 'voided' END AS state,
       CASE is_right WHEN 1 THEN 'right' WHEN 0 THEN 'wrong' END AS verdict,
       lower(hex(parent)) AS parent,
       lower(hex(previous_root)) AS previous_root,
       lower(hex(batch.root)) AS root,
       lower(hex(batch.withdrawal_root)) AS withdrawal_root,
       batch.withdrawals,
       items,
       inbox_from,
       inbox_to,
       coalesce(length(data), data_size) AS bytes,
       CASE data_state WHEN 0 THEN 'published' WHEN 1 THEN 'committee' ELSE 'challenged' END AS data_state,
       lower(hex(data_hash)) AS data_hash,
       data_state = 0 OR EXISTS (SELECT 1 FROM rollup_data_held WHERE hash = data_hash) AS data_here,
       bond,
       proposed_us,
       window_end_us,
       accepted_us,
       ended_us,
       created_seq
  FROM batch
  LEFT JOIN batch_data ON batch_data.batch = batch.id
  LEFT JOIN rollup_verdict ON rollup_verdict.batch = batch.id;

CREATE VIEW v_rollup_exit AS
SELECT rollup_exit.domain,
       epoch,
       account,
       symbol,
       rollup_exit.amount,
       item,
       state
  FROM rollup_exit
  JOIN domain_asset ON domain_asset.domain = rollup_exit.domain AND domain_asset.number = rollup_exit.asset
  JOIN v_unit ON v_unit.asset = domain_asset.asset
  LEFT JOIN inbox ON inbox.domain = rollup_exit.domain AND inbox.number = item;

-- Who demanded batches' data, and what came of it. Times are chain time in µs.
CREATE VIEW v_availability_challenge AS
SELECT lower(hex(c.batch)) AS batch,
       c.domain,
       batch.number,
       CASE c.state WHEN 0 THEN 'running' WHEN 1 THEN 'answered' WHEN 2 THEN 'unanswered' WHEN 3 THEN 'malformed'
         ELSE 'void' END AS state,
       challenger.address AS challenger,
       answerer.address AS answerer,
       unit.symbol,
       c.bond,
       c.reward,
       c.burned,
       c.begun_us,
       c.deadline_us,
       c.ended_us,
       c.created_seq
  FROM availability_challenge AS c
  JOIN batch ON batch.id = c.batch
  JOIN rollup ON rollup.domain = c.domain
  LEFT JOIN account AS challenger ON challenger.id = c.challenger
  LEFT JOIN account AS answerer ON answerer.id = c.answerer
  LEFT JOIN v_unit AS unit ON unit.asset = rollup.bond_asset;

CREATE VIEW v_withdrawal AS
SELECT w.domain,
       w.number,
       w.batch AS batch_number,
       symbol,
       w.amount,
       account_address.address AS recipient,
       lower(hex(w.recipient)) AS recipient_key,
       CASE WHEN claim.number IS NOT NULL THEN 'claimed' WHEN w.batch <= rollup.final THEN 'final'
         ELSE 'executed' END AS state,
       claimed_seq
  FROM rollup_withdrawal AS w
  JOIN rollup ON rollup.domain = w.domain
  JOIN domain_asset ON domain_asset.domain = w.domain AND domain_asset.number = w.asset
  JOIN v_unit ON v_unit.asset = domain_asset.asset
  LEFT JOIN account AS account_address ON account_address.id = w.recipient
  LEFT JOIN withdrawal_claim AS claim ON claim.domain = w.domain AND claim.number = w.number;

-- Confidential pools: what each of them holds is public; who owns which note, and how much is in it, is not.
CREATE VIEW v_confidential_pool AS
SELECT symbol,
       held,
       notes,
       images,
       address AS account,
       opened_seq
  FROM confidential_pool
  JOIN v_unit ON v_unit.asset = confidential_pool.asset
  LEFT JOIN account ON account.id = confidential_pool.account;

-- All notes, spent or not, which nobody can tell.
CREATE VIEW v_note AS
SELECT symbol,
       number,
       lower(hex(key)) AS key,
       lower(hex(commitment)) AS commitment,
       amount AS shielded,
       lower(hex(sealed)) AS sealed,
       created_seq
  FROM note
  JOIN confidential_pool ON confidential_pool.id = note.pool
  JOIN v_unit ON v_unit.asset = confidential_pool.asset;

CREATE VIEW v_key_image AS
SELECT lower(hex(image)) AS image,
       symbol,
       spent_seq
  FROM key_image
  JOIN confidential_pool ON confidential_pool.id = key_image.pool
  JOIN v_unit ON v_unit.asset = confidential_pool.asset;

CREATE VIEW v_unshielding AS
SELECT seq,
       symbol,
       amount,
       coalesce(address, lower(hex(recipient))) AS recipient
  FROM unshielding
  JOIN confidential_pool ON confidential_pool.id = unshielding.pool
  JOIN v_unit ON v_unit.asset = confidential_pool.asset
  LEFT JOIN account ON account.id = recipient;

CREATE VIEW v_verification_key AS
SELECT lower(hex(hash)) AS key,
       coalesce((SELECT address FROM account WHERE id = owner), lower(hex(owner))) AS owner,
       system,
       title,
       public_inputs,
       length(key) AS bytes,
       CASE WHEN retired_height IS NULL THEN 'in force' ELSE 'retired' END AS state,
       added_height,
       retired_height,
       added_seq
  FROM verification_key;

CREATE VIEW v_verified_proof AS
SELECT lower(hex(id)) AS record,
       system,
       coalesce((SELECT address FROM account WHERE id = verified_proof.account), lower(hex(account))) AS account,
       lower(hex(claim)) AS claim,
       purpose,
       bound,
       CASE WHEN key IS NOT NULL THEN lower(hex(key)) END AS key,
       CASE WHEN listed_by IS NOT NULL
         THEN coalesce((SELECT address FROM account WHERE id = listed_by), lower(hex(listed_by))) END AS listed_by,
       CASE WHEN image IS NOT NULL THEN lower(hex(image)) END AS image,
       length(content) AS bytes,
       height,
       seq
  FROM verified_proof;

CREATE VIEW v_proof_job AS
SELECT id AS job,
       system,
       circuit,
       witness,
       purpose,
       CASE WHEN keys IS NOT NULL THEN lower(hex(keys)) END AS keys,
       CASE WHEN messages IS NOT NULL THEN lower(hex(messages)) END AS messages,
       state,
       CASE WHEN proof IS NOT NULL THEN lower(hex(proof)) END AS proof,
       CASE WHEN inputs IS NOT NULL THEN lower(hex(inputs)) END AS inputs,
       error,
       asked_seq,
       ended_seq
  FROM proof_job;

-- --- networks -------------------------------------------------------------------------------------------------------

CREATE VIEW v_network_link AS
SELECT id,
       name AS link,
       network,
       state,
       key,
       CASE WHEN public_key IS NOT NULL THEN lower(hex(public_key)) END AS public_key,
       failures,
       error,
       chain,
       version,
       account,
       (SELECT count(*) FROM network_write w WHERE w.link = network_link.id AND settled = 0) AS open_writes,
       strftime('%Y-%m-%dT%H:%M:%S', changed_us / 1000000, 'unixepoch')
         || printf('.%06dZ', changed_us % 1000000) AS changed
  FROM network_link;

CREATE VIEW v_network_operation AS
SELECT number,
       lower(hex(o.id)) AS operation,
       l.name AS link,
       l.network AS network,
       o.operation AS kind,
       o.state AS state,
       request_key,
       request,
       result,
       code,
       o.error AS error,
       strftime('%Y-%m-%dT%H:%M:%S', asked_us / 1000000, 'unixepoch') || printf('.%06dZ', asked_us % 1000000) AS asked,
       strftime('%Y-%m-%dT%H:%M:%S', ended_us / 1000000, 'unixepoch') || printf('.%06dZ', ended_us % 1000000) AS ended
  FROM network_operation o
  JOIN network_link l ON l.id = o.link;

CREATE VIEW v_network_write AS
SELECT w.number AS number,
       lower(hex(o.id)) AS operation,
       l.name AS link,
       l.network AS network,
       kind,
       w.state AS state,
       settled,
       transaction_id AS "transaction",
       label,
       sequence,
       asset,
       o.request ->> '$.to' AS recipient,
       o.request ->> '$.amount' AS amount,
       sends,
       finality,
       confirmations,
       height,
       block,
       reason,
       fee_reason,
       length(raw) AS bytes,
       strftime('%Y-%m-%dT%H:%M:%S', urgent_us / 1000000, 'unixepoch')
         || printf('.%06dZ', urgent_us % 1000000) AS urgent_by,
       strftime('%Y-%m-%dT%H:%M:%S', sent_us / 1000000, 'unixepoch') || printf('.%06dZ', sent_us % 1000000) AS sent
  FROM network_write w
  JOIN network_operation o ON o.number = w.number
  JOIN network_link l ON l.id = w.link;

CREATE VIEW v_network_candidate AS
SELECT c.number AS number,
       lower(hex(o.id)) AS operation,
       l.name AS link,
       c.place AS place,
       c.transaction_id AS "transaction",
       w.sequence AS sequence,
       c.transaction_id = w.transaction_id AS current,
       c.details ->> '$.gas_price' AS price,
       c.refusal AS refusal,
       length(c.raw) AS bytes,
       strftime('%Y-%m-%dT%H:%M:%S', c.made_us / 1000000, 'unixepoch')
         || printf('.%06dZ', c.made_us % 1000000) AS made,
       strftime('%Y-%m-%dT%H:%M:%S', c.sent_us / 1000000, 'unixepoch')
         || printf('.%06dZ', c.sent_us % 1000000) AS sent
  FROM network_candidate c
  JOIN network_write w ON w.number = c.number
  JOIN network_operation o ON o.number = c.number
  JOIN network_link l ON l.id = w.link;

CREATE VIEW v_network_block AS
SELECT l.name AS link,
       l.network AS network,
       height,
       hash,
       parent,
       strftime('%Y-%m-%dT%H:%M:%SZ', time_s, 'unixepoch') AS time
  FROM network_block b
  JOIN network_link l ON l.id = b.link;

CREATE VIEW v_network_verdict AS
SELECT lower(hex(o.id)) AS operation,
       l.name AS link,
       l.network AS network,
       kind,
       lower(hex(hash)) AS hash,
       verdict,
       anchor,
       reason
  FROM network_verdict v
  JOIN network_operation o ON o.number = v.number
  JOIN network_link l ON l.id = v.link;

-- Transfers between ledgers.
CREATE VIEW v_provider AS
SELECT coalesce((SELECT address FROM account WHERE id = p.account), lower(hex(p.account))) AS provider,
       p.name,
       p.paused,
       symbol,
       t.source,
       t.destination,
       t.fee_fixed,
       t.fee_ppm,
       t.least,
       t.most,
       t.account_daily,
       t.daily,
       (SELECT amount FROM transfer_volume AS v
         WHERE v.provider = p.account AND v.asset = t.asset AND v.account = x''
         ORDER BY day DESC LIMIT 1) AS last_volume,
       p.registered_seq
  FROM transfer_provider AS p
  LEFT JOIN transfer_terms AS t ON t.provider = p.account
  LEFT JOIN v_unit ON v_unit.asset = t.asset;

CREATE VIEW v_quote AS
SELECT lower(hex(id)) AS quote,
       coalesce((SELECT address FROM account WHERE id = q.account), lower(hex(q.account))) AS account,
       coalesce((SELECT address FROM account WHERE id = q.provider), lower(hex(q.provider))) AS provider,
       symbol,
       source,
       destination,
       amount,
       fee,
       strftime('%Y-%m-%dT%H:%M:%S', expires_us / 1000000, 'unixepoch') || printf('.%06dZ', expires_us % 1000000) AS expires,
       lower(hex(transfer)) AS transfer,
       created_seq
  FROM transfer_quote AS q
  LEFT JOIN v_unit ON v_unit.asset = q.asset;

CREATE VIEW v_cross_transfer AS
SELECT lower(hex(id)) AS transfer,
       CASE state WHEN 0 THEN 'initiated' WHEN 1 THEN 'source_locked' WHEN 2 THEN 'destination_locked'
                  WHEN 3 THEN 'claimed' WHEN 4 THEN 'settled' WHEN 5 THEN 'refunded' WHEN 6 THEN 'expired'
                  WHEN 7 THEN 'cancelled' WHEN 8 THEN 'failed' ELSE 'lost' END AS state,
       coalesce((SELECT address FROM account WHERE id = t.account), lower(hex(t.account))) AS account,
       coalesce((SELECT address FROM account WHERE id = t.provider), lower(hex(t.provider))) AS provider,
       symbol,
       amount,
       fee,
       lower(hex(hash)) AS hash,
       CASE WHEN state IN (3, 4) THEN lower(hex(preimage)) END AS preimage,
       cancelled,
       reason,
       strftime('%Y-%m-%dT%H:%M:%S', started_us / 1000000, 'unixepoch') || printf('.%06dZ', started_us % 1000000) AS started,
       strftime('%Y-%m-%dT%H:%M:%S', ended_us / 1000000, 'unixepoch') || printf('.%06dZ', ended_us % 1000000) AS ended,
       created_seq
  FROM transfer AS t
  LEFT JOIN v_unit ON v_unit.asset = t.asset;

CREATE VIEW v_cross_transfer_leg AS
SELECT lower(hex(transfer)) AS transfer,
       CASE side WHEN 0 THEN 'source' ELSE 'destination' END AS side,
       place,
       sender,
       recipient,
       asset,
       amount,
       CASE sight WHEN 0 THEN 'none' WHEN 1 THEN 'never' WHEN 2 THEN 'shallow' WHEN 3 THEN 'locked'
                  WHEN 4 THEN 'claiming' WHEN 5 THEN 'claimed' ELSE 'returned' END AS lock,
       strftime('%Y-%m-%dT%H:%M:%S', expiry_us / 1000000, 'unixepoch') || printf('.%06dZ', expiry_us % 1000000) AS expiry,
       reference,
       tries
  FROM transfer_leg;

CREATE VIEW v_cross_transfer_proof AS
SELECT lower(hex(transfer)) AS transfer,
       CASE side WHEN 0 THEN 'source' ELSE 'destination' END AS side,
       CASE step WHEN 0 THEN 'lock' WHEN 1 THEN 'claim' ELSE 'contract' END AS step,
       CASE state WHEN 0 THEN 'asked' WHEN 1 THEN 'here' ELSE 'given_up' END AS state,
       tries,
       reason,
       length(proof) AS bytes,
       seq
  FROM transfer_network_proof;

-- Transfers between ledgers that have not ended: what each waits for, what goes wrong, and who loses by it when.
CREATE VIEW v_open_transfer AS
SELECT lower(hex(id)) AS transfer,
       CASE state WHEN 0 THEN 'initiated' WHEN 1 THEN 'source_locked' WHEN 2 THEN 'destination_locked'
                  ELSE 'claimed' END AS state,
       symbol,
       amount,
       fee,
       source,
       source_lock,
       destination,
       destination_lock,
       waits_for,
       tries,
       strftime('%Y-%m-%dT%H:%M:%S', told_us / 1000000, 'unixepoch') || printf('.%06dZ', told_us % 1000000) AS told,
       reason,
       strftime('%Y-%m-%dT%H:%M:%S', deadline_us / 1000000, 'unixepoch') || printf('.%06dZ', deadline_us % 1000000) AS deadline,
       (deadline_us - now_us) / 1000000 AS seconds_left,
       CASE waits_for WHEN 'claim_source' THEN 'provider' END AS loser,
       strftime('%Y-%m-%dT%H:%M:%S', started_us / 1000000, 'unixepoch') || printf('.%06dZ', started_us % 1000000) AS started,
       created_seq
  FROM (SELECT *,
               CASE WHEN waits_for = 'claim_source' THEN source_expiry_us
                    WHEN state = 0 THEN lock_until_us
                    WHEN waits_for IN ('claim_destination', 'the recipient claims') THEN destination_expiry_us
                    WHEN waits_for = 'the source goes back' THEN source_expiry_us END AS deadline_us
          FROM (SELECT t.id, t.state, symbol, t.amount, t.fee, t.reason, t.started_us, t.created_seq, t.lock_until_us,
                       s.place AS source, d.place AS destination,
                       s.expiry_us AS source_expiry_us, d.expiry_us AS destination_expiry_us,
                       CASE s.sight WHEN 0 THEN 'none' WHEN 1 THEN 'never' WHEN 2 THEN 'shallow' WHEN 3 THEN 'locked'
                                    WHEN 4 THEN 'claiming' WHEN 5 THEN 'claimed' ELSE 'returned' END AS source_lock,
                       CASE d.sight WHEN 0 THEN 'none' WHEN 1 THEN 'never' WHEN 2 THEN 'shallow' WHEN 3 THEN 'locked'
                                    WHEN 4 THEN 'claiming' WHEN 5 THEN 'claimed' ELSE 'returned' END AS destination_lock,
                       CASE WHEN t.state = 0 AND s.sight = 2 THEN 'the source becomes deep'
                            WHEN t.state = 0 AND t.awaited = 1 THEN 'the account locks the source'
                            WHEN t.state = 0 THEN 'lock_source'
                            WHEN d.sight IN (4, 5) AND s.sight IN (2, 3) THEN 'claim_source'
                            WHEN d.sight IN (2, 3) AND d.wanted = 3 THEN 'claim_destination'
                            WHEN d.sight IN (2, 3) AND d.wanted = 5 THEN 'refund_destination'
                            WHEN d.sight = 2 THEN 'the destination becomes deep'
                            WHEN d.sight = 3 THEN 'the recipient claims'
                            WHEN d.sight = 0 AND d.wanted = 2 AND s.sight = 3 THEN 'lock_destination'
                            WHEN d.sight IN (4, 5) OR s.sight IN (4, 5) THEN 'a claim becomes deep'
                            WHEN s.wanted = 6 THEN 'refund_source'
                            ELSE 'the source goes back' END AS waits_for,
                       s.tries + d.tries AS tries,
                       nullif(max(s.told_us, d.told_us), 0) AS told_us,
                       CAST(strftime('%s', 'now') AS INTEGER) * 1000000 +
                       (SELECT advanced_us FROM block ORDER BY height DESC LIMIT 1) AS now_us
                  FROM transfer AS t
                  JOIN transfer_leg AS s ON s.transfer = t.id AND s.side = 0
                  JOIN transfer_leg AS d ON d.transfer = t.id AND d.side = 1
                  LEFT JOIN v_unit ON v_unit.asset = t.asset
                 WHERE t.due_us IS NOT NULL));
