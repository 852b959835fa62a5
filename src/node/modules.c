/* One line a module. Order is the order of help and of the schemas, and of genesis. */
#include "node/modules.h"

#include "confidential/confidential.h"
#include "layer2/channel/channel.h"
#include "layer2/optimistic/optimistic.h"
#include "layer2/payment/payment.h"
#include "layer2/rollup/rollup.h"
#include "layer2/transfer/transfer.h"
#include "ledger/ledger.h"
#include "message/message.h"
#include "network/network.h"
#include "node/operator.h"
#include "node/wallet.h"
#include "proving/proving.h"

const struct module *const modules[] = {
    &ledger_module,
    &message_module,
    &confidential_module,
    &confidential_wallet_module,
    &channel_module,
    &channel_local_module,
    &payment_module,
    &invoice_module,
    &transfer_module,
    &rollup_module,
    &game_module,
    &fraud_module,
    &watch_module,
    &proof_module,
    &network_module,
    &wallet_module,
    &operator_module,
    NULL,
};
