# Bash completion of layer-cli. Written by contrib/completion/generate from the registry: do not edit.
# shellcheck shell=bash

_layer_cli_words="help events wait sql audit verify checkpoint proof verify-transfer replay backup stop key sign submit watch call"
_layer_cli_methods="hello head events.get cursor.create cursor.list cursor.set cursor.delete checkpoint.get proof.inclusion proof.consistency ping transaction.submit dev.advance_time rpc.discover node.info node.status transaction.get transaction.list block.get block.list deadline.list effect.list effect.get ledger.issue ledger.mint ledger.burn ledger.describe ledger.transfer ledger.transfer_batch ledger.lock ledger.claim dev.faucet ledger.balance ledger.statement ledger.asset ledger.assets ledger.account ledger.accounts ledger.escrow ledger.escrows ledger.domains message.claim message.domains message.inbox message.claims message.credits confidential.shield confidential.transfer confidential.unshield confidential.pools confidential.pool_notes confidential.image confidential.balance confidential.notes confidential.send confidential.withdraw confidential.address confidential.seal confidential.payments channel.register channel.deposit channel.challenge channel.checkpoint channel.conclude channel.withdraw channel.transfer channel.reclaim channel.reveal channel.open_case channel.evidence channel.award channel.get channel.list channel.applications channel.case channel.preimage channel.encode channel.encode_state channel.decode_state channel.propose channel.update channel.close channel.sign channel.reject channel.take_out channel.sign_withdrawal channel.suspend channel.resume channel.policy channel.dispute channel.voucher channel.redeem tower.appoint channel.status channel.mine channel.export tower.list payment.send payment.rebalance payment.drain payment.policy payment.top_up payment.get payment.route payment.policies payment.status invoice.create invoice.settle invoice.cancel invoice.decode invoice.get transfer.provider_register transfer.provider_terms transfer.provider_withdraw transfer.provider_pause transfer.provider_resume transfer.deploy transfer.collect transfer.retry transfer.quote transfer.start transfer.cancel transfer.reveal transfer.prove transfer.get transfer.list transfer.providers transfer.quotes transfer.proof transfer.verify_proof rollup.create rollup.deposit rollup.force rollup.exit rollup.propose rollup.challenge_availability rollup.answer_availability rollup.escape rollup.exit_frozen rollup.unfreeze rollup.submit rollup.transfer rollup.withdraw rollup.register rollup.sequencer rollup.attest rollup.attested rollup.hold_data rollup.guard rollup.get rollup.batch rollup.batches rollup.account rollup.transaction rollup.pending rollup.withdrawal rollup.exit_proof rollup.data rollup.sealed rollup.rebuild game.challenge game.move game.step game.resolve game.close game.get game.list game.shortages fraud.commit fraud.prove fraud.commitments watch.policy watch.policies proof.key_add proof.key_retire proof.verify proof.prove proof.keys proof.key proof.records proof.record proof.check proof.binding proof.jobs proof.job network.initialize network.remove network.connect network.disconnect network.health_check network.get_state network.sync_state network.validate_state network.submit_transaction network.check_transaction_status network.get_transaction_history network.estimate_fees network.issue_asset network.transfer_asset network.verify_proof network.generate_proof network.request_payment network.cancel network.networks network.list network.capabilities network.metrics network.operation network.operations network.write network.writes network.blocks wallet.create wallet.unlock wallet.lock wallet.status wallet.new wallet.list wallet.import wallet.export wallet.remove node.log"
_layer_cli_signed="dev.advance_time ledger.issue ledger.mint ledger.burn ledger.describe ledger.transfer ledger.transfer_batch ledger.lock ledger.claim dev.faucet message.claim confidential.shield confidential.transfer confidential.unshield channel.register channel.deposit channel.challenge channel.checkpoint channel.conclude channel.withdraw channel.transfer channel.reclaim channel.reveal channel.open_case channel.evidence channel.award transfer.quote transfer.start transfer.cancel transfer.reveal rollup.create rollup.deposit rollup.force rollup.exit rollup.propose rollup.challenge_availability rollup.answer_availability rollup.escape rollup.exit_frozen rollup.unfreeze game.challenge game.move game.step game.resolve game.close fraud.commit fraud.prove proof.key_add proof.key_retire proof.verify"
_layer_cli_everywhere="--directory --network --json --timeout --passphrase-file --help --print-words --version"
_layer_cli_valued="--directory --network --timeout --passphrase-file --type --subject --from --until --format --limit --against --verifier --block-hash --save --key --public --chain --valid-for --rollup --max-stake --keep --name"
_layer_cli_directories="--directory"
_layer_cli_files="--passphrase-file --against --save --key --public"
_layer_cli_accounts="ledger.mint:to ledger.transfer:to ledger.lock:to dev.faucet:to ledger.balance:account ledger.statement:account ledger.account:account ledger.accounts:after ledger.escrows:account message.claim:recipient confidential.unshield:to confidential.balance:signer confidential.notes:signer confidential.send:signer confidential.withdraw:signer confidential.withdraw:account confidential.address:signer channel.challenge:challenger channel.list:account channel.propose:signer channel.update:signer channel.close:signer channel.sign:signer channel.reject:signer channel.take_out:signer channel.sign_withdrawal:signer channel.policy:signer channel.dispute:signer channel.redeem:signer payment.send:payer payment.rebalance:signer payment.drain:signer payment.policy:signer payment.top_up:signer payment.route:payer payment.route:payee invoice.create:payee transfer.provider_register:account transfer.provider_terms:provider transfer.provider_withdraw:provider transfer.provider_pause:account transfer.provider_resume:account transfer.quote:provider transfer.start:provider transfer.list:account transfer.list:provider transfer.providers:provider transfer.quotes:account rollup.create:operator rollup.deposit:key rollup.exit:recipient rollup.transfer:signer rollup.transfer:to rollup.withdraw:signer rollup.withdraw:to rollup.register:signer rollup.register:to rollup.attest:member rollup.attested:member rollup.account:key rollup.exit_proof:key game.list:account fraud.commitments:account proof.verify:listed_by proof.keys:owner proof.key:owner proof.records:account"
_layer_cli_types="node.started node.stopped database.upgraded database.wal_pinned effect.ended backup.progress backup.completed backup.failed replay.completed dev.time_advanced ledger.asset_issued ledger.asset_minted ledger.asset_burned ledger.asset_described ledger.transferred ledger.escrow_locked ledger.escrow_claimed ledger.escrow_refunded dev.faucet_paid confidential.shielded confidential.transferred confidential.unshielded channel.registered channel.deposited channel.challenged channel.checkpointed channel.challenge_cleared channel.cheat_proved channel.withdrawn channel.finalized channel.paid channel.reclaimed channel.preimage_revealed channel.case_opened channel.evidence_given channel.awarded channel.proposed channel.withdrawal_proposed channel.updated channel.rejected channel.equivocated channel.contradicted channel.phase_changed channel.expired channel.overdue channel.defended channel.submit_failed tower.appointed tower.expired channel.voucher_at_stake channel.voucher_kept payment.started payment.part_failed payment.settled payment.failed payment.forwarded invoice.changed htlc.expiring htlc.overdue message.queued message.refunded message.claimed message.credited rollup.created rollup.deposited rollup.forced rollup.proposed rollup.accepted rollup.final rollup.rejected rollup.rolled_back rollup.overdue rollup.frozen rollup.escaped rollup.unfreezing rollup.unfreeze_withdrawn rollup.unfrozen rollup.verdict rollup.sequenced rollup.stalled rollup.dropped rollup.availability_challenged rollup.availability_answered rollup.availability_failed rollup.data_held rollup.data_missing rollup.attestation_wanted game.begun game.moved game.stepped game.claim_resolved game.ended game.closed game.paid fraud.committed fraud.proved watcher.underfunded watcher.held_back watcher.funded watcher.refused proof.key_added proof.key_retired proof.verified proof.progress proof.made proof.failed network.initialized network.removed network.connected network.degraded network.lost network.disconnected network.operation_ended network.transaction_submitted network.transaction_confirmed network.transaction_failed network.transaction_rejected network.transaction_reorged network.transaction_dropped network.asset_issued network.asset_transferred network.state_synced network.proof_checked network.fee_raised network.fee_not_raised transfer.provider_registered transfer.provider_paused transfer.provider_resumed transfer.terms_changed transfer.terms_withdrawn transfer.quoted transfer.initiated transfer.source_locked transfer.destination_locked transfer.claimed transfer.settled transfer.proved transfer.refunded transfer.expired transfer.cancelled transfer.failed transfer.lost transfer.stuck"

_layer_cli_word_options() {
    case $1 in
    events) echo "follow type subject from until ack create format" ;;
    wait) echo "subject from format" ;;
    sql) echo "csv limit" ;;
    verify) echo "against verifier" ;;
    checkpoint) echo "save verifier" ;;
    proof) echo "verifier key public chain" ;;
    verify-transfer) echo "verifier block-hash" ;;
    key) echo "name" ;;
    sign) echo "key chain valid-for" ;;
    watch) echo "key chain rollup max-stake keep once" ;;
    call) echo "key chain valid-for" ;;
    esac
}

_layer_cli_parameters() {
    case $1 in
    events.get) echo "after= limit= types= subjects=" ;;
    cursor.create) echo "name= from= filter= max_lag=" ;;
    cursor.list) echo "after= limit=" ;;
    cursor.set) echo "name= seq=" ;;
    cursor.delete) echo "name=" ;;
    checkpoint.get) echo "size=" ;;
    proof.inclusion) echo "seq= size=" ;;
    proof.consistency) echo "first= second=" ;;
    transaction.submit) echo "transaction= signature=" ;;
    dev.advance_time) echo "by= from= valid_for=" ;;
    transaction.get) echo "id=" ;;
    transaction.list) echo "after= limit=" ;;
    block.get) echo "height=" ;;
    block.list) echo "first= limit=" ;;
    deadline.list) echo "after= limit=" ;;
    effect.list) echo "after= limit=" ;;
    effect.get) echo "id=" ;;
    ledger.issue) echo "symbol= name= decimals= amount= max_supply= metadata= from= valid_for=" ;;
    ledger.mint) echo "asset= amount= to= from= valid_for=" ;;
    ledger.burn) echo "asset= amount= from= valid_for=" ;;
    ledger.describe) echo "asset= metadata= from= valid_for=" ;;
    ledger.transfer) echo "to= asset= amount= memo= from= valid_for=" ;;
    ledger.transfer_batch) echo "transfers= from= valid_for=" ;;
    ledger.lock) echo "to= asset= amount= hash= timeout= deadline= from= valid_for=" ;;
    ledger.claim) echo "escrow= preimage= from= valid_for=" ;;
    dev.faucet) echo "to= amount= from= valid_for=" ;;
    ledger.balance) echo "account= asset= after= limit=" ;;
    ledger.statement) echo "account= asset= after= limit=" ;;
    ledger.asset) echo "asset=" ;;
    ledger.assets) echo "after= limit=" ;;
    ledger.account) echo "account=" ;;
    ledger.accounts) echo "after= limit=" ;;
    ledger.escrow) echo "escrow=" ;;
    ledger.escrows) echo "account= state= after= limit=" ;;
    ledger.domains) echo "after= limit=" ;;
    message.claim) echo "domain= number= asset= amount= recipient= proof= count= from= valid_for=" ;;
    message.domains) echo "after= limit=" ;;
    message.inbox) echo "domain= after= limit=" ;;
    message.claims) echo "domain= after= limit=" ;;
    message.credits) echo "after= limit=" ;;
    confidential.shield) echo "asset= amount= key= sealed= from= valid_for=" ;;
    confidential.transfer) echo "asset= inputs= outputs= range_proof= from= valid_for=" ;;
    confidential.unshield) echo "asset= amount= to= inputs= outputs= range_proof= from= valid_for=" ;;
    confidential.pools) echo "after= limit=" ;;
    confidential.pool_notes) echo "asset= after= limit=" ;;
    confidential.image) echo "image=" ;;
    confidential.balance) echo "signer= asset=" ;;
    confidential.notes) echo "signer= asset= after= limit=" ;;
    confidential.send) echo "signer= asset= amount= to= ring=" ;;
    confidential.withdraw) echo "signer= asset= amount= account= ring=" ;;
    confidential.address) echo "signer=" ;;
    confidential.seal) echo "to= amount=" ;;
    confidential.payments) echo "after= limit=" ;;
    channel.register) echo "fixed= from= valid_for=" ;;
    channel.deposit) echo "channel= asset= amount= expected_held= from= valid_for=" ;;
    channel.challenge) echo "channel= states= challenger= signature= from= valid_for=" ;;
    channel.checkpoint) echo "channel= states= from= valid_for=" ;;
    channel.conclude) echo "channel= state= signatures= from= valid_for=" ;;
    channel.withdraw) echo "channel= state= payments= signatures= from= valid_for=" ;;
    channel.transfer) echo "channel= entries= outcome= from= valid_for=" ;;
    channel.reclaim) echo "channel= target= entry= outcome= from= valid_for=" ;;
    channel.reveal) echo "preimage= from= valid_for=" ;;
    channel.open_case) echo "channel= claim= from= valid_for=" ;;
    channel.evidence) echo "channel= body= from= valid_for=" ;;
    channel.award) echo "channel= state= fees= signatures= from= valid_for=" ;;
    channel.get) echo "channel=" ;;
    channel.list) echo "account= after= limit=" ;;
    channel.case) echo "channel=" ;;
    channel.preimage) echo "hash=" ;;
    channel.encode) echo "participants= assets= application= nonce= challenge_period= dispute_limit= penalty_ppm= terms= arbiters= arbiter_threshold= arbitration_window= arbitration_fee_ppm=" ;;
    channel.encode_state) echo "channel= turn= final= outcome= data=" ;;
    channel.decode_state) echo "channel= state=" ;;
    channel.propose) echo "fixed= outcome= data= parents= signer= signature=" ;;
    channel.update) echo "channel= turn= final= outcome= data= signer= signature=" ;;
    channel.close) echo "channel= signer= signature=" ;;
    channel.sign) echo "channel= turn= signer= signature=" ;;
    channel.reject) echo "channel= turn= signer= signature=" ;;
    channel.take_out) echo "channel= payments= signer= signature=" ;;
    channel.sign_withdrawal) echo "channel= turn= signer= signature=" ;;
    channel.suspend) echo "channel=" ;;
    channel.resume) echo "channel=" ;;
    channel.policy) echo "signer= countersign= channel=" ;;
    channel.dispute) echo "channel= signer=" ;;
    channel.voucher) echo "channel= amount= signature=" ;;
    channel.redeem) echo "channel= signer=" ;;
    tower.appoint) echo "fixed= states=" ;;
    channel.status) echo "channel=" ;;
    channel.mine) echo "after= limit=" ;;
    channel.export) echo "after= limit=" ;;
    tower.list) echo "after= limit=" ;;
    payment.send) echo "invoice= payer= amount= fee_limit= parts= timeout=" ;;
    payment.rebalance) echo "signer= out= in= amount= fee_limit= timeout=" ;;
    payment.drain) echo "signer= out= in= fee_limit= timeout=" ;;
    payment.policy) echo "channel= signer= base= ppm= delta= enabled= max_balance=" ;;
    payment.top_up) echo "channel= signer=" ;;
    payment.get) echo "hash=" ;;
    payment.route) echo "payer= payee= asset= amount= fee_limit= parts=" ;;
    payment.policies) echo "channel=" ;;
    invoice.create) echo "payee= asset= amount= description= expiry= hold= hash=" ;;
    invoice.settle) echo "hash= preimage=" ;;
    invoice.cancel) echo "hash=" ;;
    invoice.decode) echo "invoice=" ;;
    invoice.get) echo "hash=" ;;
    transfer.provider_register) echo "account= name=" ;;
    transfer.provider_terms) echo "provider= asset= source= destination= fee_fixed= fee_ppm= least= most= account_daily= daily= outside=" ;;
    transfer.provider_withdraw) echo "provider= asset= source= destination=" ;;
    transfer.provider_pause) echo "account=" ;;
    transfer.provider_resume) echo "account=" ;;
    transfer.deploy) echo "link= request=" ;;
    transfer.collect) echo "link= contract= token= to= request=" ;;
    transfer.retry) echo "transfer=" ;;
    transfer.quote) echo "asset= source= destination= amount= provider= from= valid_for=" ;;
    transfer.start) echo "asset= amount= source= destination= recipient= timeout= provider= quote= hash= fee_limit= account_there= from= valid_for=" ;;
    transfer.cancel) echo "transfer= from= valid_for=" ;;
    transfer.reveal) echo "transfer= preimage= from= valid_for=" ;;
    transfer.prove) echo "transfer= again=" ;;
    transfer.get) echo "transfer=" ;;
    transfer.list) echo "account= provider= open= after= limit=" ;;
    transfer.providers) echo "provider= after= limit=" ;;
    transfer.quotes) echo "account= after= limit=" ;;
    transfer.proof) echo "transfer=" ;;
    transfer.verify_proof) echo "proof= verifier= blocks=" ;;
    rollup.create) echo "assets= bond= operator= bond_asset= bond_numerator= bond_denominator= burn_ppm= challenge= clock= extension= step_extension= air_gap= payout_delay= forced= escape= jail= unfreeze_after= availability= committee= committee_threshold= availability_window= availability_bond= from= valid_for=" ;;
    rollup.deposit) echo "domain= asset= amount= key= from= valid_for=" ;;
    rollup.force) echo "domain= transaction= from= valid_for=" ;;
    rollup.exit) echo "domain= asset= amount= recipient= from= valid_for=" ;;
    rollup.propose) echo "domain= number= parent= root= withdrawal_root= withdrawals= inbox_to= data= data_hash= data_size= items_root= transactions= attestations= from= valid_for=" ;;
    rollup.challenge_availability) echo "batch= from= valid_for=" ;;
    rollup.answer_availability) echo "batch= data= from= valid_for=" ;;
    rollup.escape) echo "domain= from= valid_for=" ;;
    rollup.exit_frozen) echo "domain= account= asset= leaf= proof= epoch= from= valid_for=" ;;
    rollup.unfreeze) echo "domain= withdraw= from= valid_for=" ;;
    rollup.submit) echo "domain= transaction=" ;;
    rollup.transfer) echo "domain= signer= to= asset= amount= fee=" ;;
    rollup.withdraw) echo "domain= signer= to= asset= amount= fee=" ;;
    rollup.register) echo "domain= signer= to= asset= fee=" ;;
    rollup.sequencer) echo "domain= enabled= batch_items= batch_bytes= batch_time=" ;;
    rollup.attest) echo "domain= number= parent= inbox_to= items_root= data_hash= data= member=" ;;
    rollup.attested) echo "domain= member= signature=" ;;
    rollup.hold_data) echo "batch= data=" ;;
    rollup.guard) echo "domain= bond_max=" ;;
    rollup.get) echo "domain=" ;;
    rollup.batch) echo "domain= number= batch=" ;;
    rollup.batches) echo "domain= after= limit=" ;;
    rollup.account) echo "domain= account= key=" ;;
    rollup.transaction) echo "transaction=" ;;
    rollup.pending) echo "domain= after= limit=" ;;
    rollup.withdrawal) echo "domain= number=" ;;
    rollup.exit_proof) echo "domain= account= key=" ;;
    rollup.data) echo "data_hash=" ;;
    rollup.sealed) echo "domain=" ;;
    rollup.rebuild) echo "domain=" ;;
    game.challenge) echo "batch= value= from= valid_for=" ;;
    game.move) echo "game= claim= disputed= kind= value= bond= from= valid_for=" ;;
    game.step) echo "game= claim= kind= witness= from= valid_for=" ;;
    game.resolve) echo "game= from= valid_for=" ;;
    game.close) echo "game= from= valid_for=" ;;
    game.get) echo "game= after= limit=" ;;
    game.list) echo "batch= account= running= after= limit=" ;;
    fraud.commit) echo "commitment= from= valid_for=" ;;
    fraud.prove) echo "batch= salt= proof= from= valid_for=" ;;
    fraud.commitments) echo "account= commitment= after= limit=" ;;
    watch.policy) echo "domain= play= max_stake= max_lock= reset=" ;;
    proof.key_add) echo "key= title= from= valid_for=" ;;
    proof.key_retire) echo "key= from= valid_for=" ;;
    proof.verify) echo "system= purpose= proof= bits= commitments= keys= messages= message= key= inputs= binding= listed_by= from= valid_for=" ;;
    proof.prove) echo "system= circuit= witness= purpose= keys= messages= signatures=" ;;
    proof.keys) echo "key= owner= after= limit=" ;;
    proof.key) echo "key= owner=" ;;
    proof.records) echo "account= after= limit=" ;;
    proof.record) echo "record=" ;;
    proof.check) echo "system= purpose= proof= bits= commitments= keys= messages= message= key= inputs= binding=" ;;
    proof.binding) echo "purpose= message=" ;;
    proof.jobs) echo "after= limit=" ;;
    proof.job) echo "job=" ;;
    network.initialize) echo "link= network= options= key= poll= health=" ;;
    network.remove) echo "link= abandon=" ;;
    network.connect) echo "link= timeout= request=" ;;
    network.disconnect) echo "link= timeout= request=" ;;
    network.health_check) echo "link= timeout= request=" ;;
    network.get_state) echo "link= timeout= request=" ;;
    network.sync_state) echo "link= timeout= request=" ;;
    network.validate_state) echo "link= claim= timeout= request=" ;;
    network.submit_transaction) echo "link= raw= text= amount= fee= urgent_by= options= give_up_after= timeout= request=" ;;
    network.check_transaction_status) echo "link= transaction= label= timeout= request=" ;;
    network.get_transaction_history) echo "link= after= limit= timeout= request=" ;;
    network.estimate_fees) echo "link= kind= raw= text= amount= asset= to= symbol= title= decimals= memo= fee= urgent_by= options= timeout= request=" ;;
    network.issue_asset) echo "link= symbol= title= decimals= amount= memo= fee= urgent_by= options= give_up_after= timeout= request=" ;;
    network.transfer_asset) echo "link= to= amount= asset= memo= fee= urgent_by= options= give_up_after= timeout= request=" ;;
    network.verify_proof) echo "link= proof= timeout= request=" ;;
    network.generate_proof) echo "link= claim= timeout= request=" ;;
    network.request_payment) echo "link= amount= asset= memo= expires_s= timeout= request=" ;;
    network.cancel) echo "operation=" ;;
    network.networks) echo "network=" ;;
    network.capabilities) echo "link=" ;;
    network.metrics) echo "link=" ;;
    network.operation) echo "operation=" ;;
    network.operations) echo "link= after= limit=" ;;
    network.write) echo "operation=" ;;
    network.writes) echo "link= after= limit=" ;;
    network.blocks) echo "link= after= limit=" ;;
    wallet.new) echo "name=" ;;
    wallet.import) echo "name= key_file=" ;;
    wallet.export) echo "name=" ;;
    wallet.remove) echo "name=" ;;
    node.log) echo "levels=" ;;
    esac
}

_layer_cli_choices() {
    case $1 in
    ledger.escrows:state) echo "locked claimed refunded" ;;
    channel.encode_state:final) echo "true false" ;;
    channel.update:final) echo "true false" ;;
    channel.policy:countersign) echo "never safe always" ;;
    payment.policy:enabled) echo "true false" ;;
    invoice.create:hold) echo "true false" ;;
    transfer.prove:again) echo "true false" ;;
    transfer.list:open) echo "true false" ;;
    rollup.create:availability) echo "ledger committee" ;;
    rollup.unfreeze:withdraw) echo "true false" ;;
    rollup.sequencer:enabled) echo "true false" ;;
    game.move:kind) echo "attack defend" ;;
    game.step:kind) echo "attack defend" ;;
    game.list:running) echo "true false" ;;
    watch.policy:play) echo "true false" ;;
    watch.policy:reset) echo "true false" ;;
    proof.verify:system) echo "groth16 half_aggregate range ring" ;;
    proof.prove:system) echo "groth16 half_aggregate" ;;
    proof.check:system) echo "groth16 half_aggregate range ring" ;;
    network.remove:abandon) echo "true false" ;;
    network.estimate_fees:kind) echo "submit issue transfer" ;;
    esac
}

_layer_cli_is() { # ITEM LIST
    [[ " $2 " == *" $1 "* ]]
}

# The names of the node's keys, quietly: without a node there are none.
_layer_cli_keys() {
    layer-cli "${_layer_cli_node[@]}" --timeout 2 --json wallet.list </dev/null 2>/dev/null |
        grep -o '"name":"[^"]*"' | cut -d '"' -f 4
}

# Their addresses, which parameters that are accounts take as well as names.
_layer_cli_addresses() {
    layer-cli "${_layer_cli_node[@]}" --timeout 2 --json wallet.list </dev/null 2>/dev/null |
        grep -o '"address":"[^"]*"' | cut -d '"' -f 4
}

# Values of key=: OUT is a list of whole tokens.
_layer_cli_value() { # METHOD KEY
    local item
    if [ "$2" = from ] && _layer_cli_is "$1" "$_layer_cli_signed"; then
        for item in $(_layer_cli_keys); do echo "from=$item"; done
    elif _layer_cli_is "$1:$2" "$_layer_cli_accounts"; then
        for item in $(_layer_cli_keys) $(_layer_cli_addresses); do echo "$2=$item"; done
    else
        for item in $(_layer_cli_choices "$1:$2"); do echo "$2=$item"; done
    fi
}

_layer_cli_option_value() { # OPTION CURRENT
    case $1 in
    --network) compgen -W "dev test main" -- "$2" ;;
    --format) compgen -W "text native cloudevents" -- "$2" ;;
    --type) compgen -W "$_layer_cli_types" -- "$2" ;;
    --from) compgen -W "first now cursor: time: after:" -- "$2" ;;
    *)
        if _layer_cli_is "$1" "$_layer_cli_directories"; then
            compgen -d -- "$2"
        elif _layer_cli_is "$1" "$_layer_cli_files"; then
            compgen -f -- "$2"
        fi
        ;;
    esac
}

_layer_cli() {
    local line=${COMP_LINE:0:COMP_POINT} current previous='' word='' method='' index candidates='' option given=''
    local -a tokens rest=()
    _layer_cli_node=()
    COMPREPLY=()

    # Bash splits at '=' and ':' too; here only blanks part the tokens.
    read -ra tokens <<<"$line"
    [[ $line == *[[:space:]] ]] && tokens+=('')
    current=${tokens[${#tokens[@]} - 1]}
    for ((index = 1; index < ${#tokens[@]} - 1; index++)); do
        option=${tokens[index]}
        if _layer_cli_is "$option" "$_layer_cli_valued"; then
            previous=$option
            ((index + 1 < ${#tokens[@]} - 1)) || break
            case $option in --directory | --network) _layer_cli_node+=("$option" "${tokens[index + 1]}") ;; esac
            index=$((index + 1))
            previous=
        elif [[ $option == --* ]]; then
            case $option in --directory=* | --network=*) _layer_cli_node+=("$option") ;; esac
        elif [ -z "$word" ]; then
            word=$option
        else
            rest+=("$option")
            given+=" ${option%%=*}="
        fi
    done

    # sign and call take a method behind them.
    method=$word
    case $word in sign | call) method=${rest[0]-} ;; esac

    if [ -n "$previous" ]; then
        candidates=$(_layer_cli_option_value "$previous" "$current")
    elif [[ $current == --* ]]; then
        candidates=$_layer_cli_everywhere
        for option in $(_layer_cli_word_options "$word"); do candidates+=" --$option"; done
    elif [ -z "$word" ]; then
        candidates="$_layer_cli_words $_layer_cli_methods"
    elif [ "$word" = help ]; then
        candidates="$_layer_cli_words $_layer_cli_methods"
    elif [ "$word" = wait ]; then
        candidates=$_layer_cli_types
    elif [ "$word" = key ]; then
        if [ ${#rest[@]} = 0 ]; then candidates="new show"; else candidates=$(compgen -f -- "$current"); fi
    elif [ "$word" = submit ] || [ "$word" = backup ]; then
        candidates=$(compgen -f -- "$current")
    elif [ -z "$method" ]; then
        candidates=$_layer_cli_signed
    elif [[ $current == *=* ]]; then
        candidates=$(_layer_cli_value "$method" "${current%%=*}")
    else
        for option in $(_layer_cli_parameters "$method"); do
            _layer_cli_is "$option" "$given" || candidates+=" $option"
        done
    fi

    # What bash holds for the current word begins behind the last '=' or ':'.
    local behind=${current%"${current##*[=:]}"}
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
    COMPREPLY=("${COMPREPLY[@]#"$behind"}")
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _layer_cli layer-cli
