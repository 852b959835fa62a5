/* The invariants of messages: see invariants.h. */
#include "message/invariants.h"

/* Numbers without gaps; what is done comes before what is included, and that before what waits, whatever
 * ended otherwise between them; what lasts does not end otherwise. */
static const char inboxes[] =
    "SELECT printf('domain %d: inbox items 0 … %d are %d in number', domain, max(number), count(*))"
    " FROM inbox GROUP BY domain HAVING max(number) + 1 <> count(*) OR min(number) <> 0"
    " UNION ALL SELECT printf('domain %d: inbox item %d is %s, behind one that is %s', domain, number, state,"
    "  before) FROM (SELECT domain, number, state, lag(state) OVER (PARTITION BY domain ORDER BY number)"
    "   AS before FROM inbox WHERE state NOT IN ('refunded', 'dropped'))"
    " WHERE CASE before WHEN 'done' THEN 0 WHEN 'included' THEN 1 ELSE 2 END"
    "  > CASE state WHEN 'done' THEN 0 WHEN 'included' THEN 1 ELSE 2 END AND before IS NOT NULL"
    " UNION ALL SELECT printf('domain %d: inbox item %d is %s with an amount of %d', domain, number, state,"
    "  amount) FROM inbox WHERE (state = 'refunded' AND amount = 0) OR (state = 'dropped' AND amount > 0)"
    "  OR (lasting = 1 AND (amount > 0 OR state IN ('refunded', 'dropped')))";

static const char claims[] =
    "SELECT printf('domain %d: withdrawal %d was claimed, but only %d are final', domain, number, count)"
    " FROM withdrawal_claim JOIN message_domain USING (domain) WHERE number >= count"
    " UNION ALL SELECT printf('domain %d: withdrawal %d was claimed of an asset that it has not got',"
    "  domain, number) FROM withdrawal_claim AS c"
    " WHERE NOT EXISTS (SELECT 1 FROM domain_asset AS a WHERE a.domain = c.domain AND a.asset = c.asset)";

/* What is spoken for is the deposits that are not done, and the credits; the domain's account covers it. */
static const char holdings[] =
    "WITH due AS"
    " (SELECT domain, asset, sum(amount) AS total FROM"
    "   (SELECT domain, asset, amount FROM inbox WHERE state IN ('queued', 'included')"
    "    UNION ALL SELECT domain, asset, amount FROM credit) GROUP BY domain, asset)"
    " SELECT printf('domain %d, asset %d: %d are spoken for; deposits not done and credits are %d', a.domain,"
    "  a.number, reserved, coalesce(total, 0))"
    " FROM domain_asset AS a LEFT JOIN due ON due.domain = a.domain AND due.asset = a.number"
    " WHERE reserved <> coalesce(total, 0)"
    " UNION ALL SELECT printf('domain %d, asset %d, which it has not got: %d are due', due.domain, due.asset,"
    "  total) FROM due"
    " WHERE NOT EXISTS (SELECT 1 FROM domain_asset AS a WHERE a.domain = due.domain AND a.number = due.asset)"
    " UNION ALL SELECT printf('domain %d holds %d of its asset %d; %d are spoken for', a.domain,"
    "  coalesce(balance.amount, 0), a.number, reserved)"
    " FROM domain_asset AS a JOIN message_domain USING (domain)"
    " LEFT JOIN balance ON balance.domain = 0 AND balance.account = escrow AND balance.asset = a.asset"
    " WHERE coalesce(balance.amount, 0) < reserved";

/* A domain's account is a held one of its own, and its assets are numbered without gaps. */
static const char domains[] =
    "SELECT printf('domain %d: its account is not held as a %s', domain, domain.kind)"
    " FROM message_domain JOIN domain ON domain.id = domain LEFT JOIN account ON account.id = escrow"
    " WHERE account.kind IS NOT domain.kind"
    " UNION ALL SELECT printf('domain %d: assets 0 … %d are %d in number', domain, max(number), count(*))"
    " FROM domain_asset GROUP BY domain HAVING max(number) + 1 <> count(*)"
    " UNION ALL SELECT printf('domain %d has no assets', domain) FROM message_domain"
    " WHERE domain NOT IN (SELECT domain FROM domain_asset)"
    " UNION ALL SELECT printf('domain %d: %d withdrawals without a root', domain, count)"
    " FROM message_domain WHERE root IS NULL AND count > 0"
    " UNION ALL SELECT printf('domain %d: its newest final root is not kept', domain)"
    " FROM message_domain AS m WHERE root IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM final_root AS f WHERE f.domain = m.domain"
    "  AND f.count = m.count AND f.root = m.root)"
    " UNION ALL SELECT printf('domain %d: a root of %d withdrawals is kept', f.domain, f.count)"
    " FROM final_root AS f JOIN message_domain AS m USING (domain) WHERE f.count > m.count";

const struct invariant message_invariants[MESSAGE_INVARIANTS] = {
    { "message.inboxes", "Inbox items are numbered without gaps and taken in their order.", .sql = inboxes },
    { "message.claims", "Only what is final is claimed, each withdrawal once.", .sql = claims },
    { "message.holdings", "A domain's account covers the deposits that are not done, and credits.",
      .sql = holdings },
    { "message.domains", "A domain has an account that is held for it, and assets without gaps.",
      .sql = domains },
};
