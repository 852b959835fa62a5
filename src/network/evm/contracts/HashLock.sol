// SPDX-License-Identifier: MIT
// Hash-locked amounts, of the chain's own coin or of an ERC-20 token: the half of an atomic swap that happens on an EVM
// chain. Whoever locks names a recipient, the SHA-256 of a secret and a deadline. Before the deadline anyone who shows
// the secret makes the amount go to the recipient; from the deadline on anyone can make it go back to the sender. Nobody
// has any other power here: there is no owner, no fee, no upgrade.
//
// What always holds:
//  - each lock ends once, as CLAIMED or as REFUNDED, and its id, a hash of all its terms, is never used again;
//  - the contract holds at least the sum of what is LOCKED and of what is owed, per token (as far as the token is honest);
//  - a payee who cannot be paid (a contract that refuses, a token that blocks him) stops nobody: the lock ends all the
//    same, and the amount is owed to him until he withdraws it to wherever he likes.
//
// SHA-256 and secrets of 32 bytes are what Lightning and layerd's base ledger take: one secret serves all of them.
pragma solidity 0.8.28;

interface ERC20 {
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

contract HashLock {
    enum State { NONE, LOCKED, CLAIMED, REFUNDED }

    struct Lock {
        // one storage slot: with the id, which covers all terms, its proof (EIP-1186) tells how the lock stands
        address sender;
        uint64 deadline;   // seconds, as block.timestamp: the first moment at which it can be refunded and not claimed
        State state;
        address recipient;
        address token;     // zero: the chain's own coin
        uint256 amount;
        bytes32 hash;      // sha256(secret)
    }

    event Locked(bytes32 indexed id, address indexed sender, address indexed recipient, address token, uint256 amount,
        bytes32 hash, uint64 deadline);
    event Claimed(bytes32 indexed id, bytes32 secret);
    event Refunded(bytes32 indexed id);
    event Owed(address indexed token, address indexed account, uint256 amount);      // could not be paid
    event Withdrawn(address indexed token, address indexed account, address to, uint256 amount);

    error Reentered();
    error WrongTerms();          // no amount, no recipient, or the value sent is not what the terms say
    error DeadlinePassed();
    error DeadlineNotReached();
    error LockExists();
    error NotLocked();
    error WrongSecret();
    error NotReceived();         // the token took the amount and brought less (or more)
    error TransferFailed();
    error NotEnoughGas();
    error NothingOwed();

    // What a payee's code, or a token's, may burn when it is paid here. Whoever brings less gas than that is refused, so
    // that nobody can turn a payment into a debt by being stingy (nor an estimate of gas, which looks for the least).
    uint256 private constant PAYMENT_GAS = 300_000;
    uint256 private constant BOOKING_GAS = 60_000; // what is needed after it

    mapping(bytes32 id => Lock) private locks; // slot 0
    mapping(address token => mapping(address account => uint256)) public owed; // slot 1
    uint256 private entered = 1; // slot 2

    // Nothing here can be called while something here runs: a token or a payee could otherwise change balances between the
    // two looks that `lock` takes at them.
    modifier alone() {
        if (entered != 1) revert Reentered();
        entered = 2;
        _;
        entered = 1;
    }

    // The id that a lock with these terms has. The same terms give the same id: a second lock with them is refused; use
    // another secret.
    function idOf(address sender, address recipient, bytes32 hash, uint64 deadline, address token, uint256 amount)
        public view returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), sender, recipient, hash, deadline, token, amount));
    }

    function read(bytes32 id) external view returns (Lock memory) {
        return locks[id];
    }

    // Locks `amount` of the sender's: sent along when it is the chain's own coin, else allowed to this contract before.
    function lock(address recipient, bytes32 hash, uint64 deadline, address token, uint256 amount)
        external payable alone returns (bytes32 id)
    {
        if (amount == 0 || recipient == address(0) || recipient == address(this)) revert WrongTerms();
        if (msg.value != (token == address(0) ? amount : 0)) revert WrongTerms();
        if (block.timestamp >= deadline) revert DeadlinePassed();
        id = idOf(msg.sender, recipient, hash, deadline, token, amount);
        if (locks[id].state != State.NONE) revert LockExists();

        locks[id] = Lock(msg.sender, deadline, State.LOCKED, recipient, token, amount, hash);
        emit Locked(id, msg.sender, recipient, token, amount, hash, deadline);
        if (token != address(0)) {
            uint256 before = ERC20(token).balanceOf(address(this));
            if (!call(token, abi.encodeCall(ERC20.transferFrom, (msg.sender, address(this), amount)), gasleft()))
                revert TransferFailed();
            // A token that keeps a fee for itself, or pays one, would leave other locks short.
            if (ERC20(token).balanceOf(address(this)) - before != amount) revert NotReceived();
        }
    }

    function claim(bytes32 id, bytes32 secret) external alone {
        Lock storage it = locks[id];
        if (it.state != State.LOCKED) revert NotLocked();
        if (block.timestamp >= it.deadline) revert DeadlinePassed();
        if (sha256(abi.encodePacked(secret)) != it.hash) revert WrongSecret();
        it.state = State.CLAIMED;
        emit Claimed(id, secret);
        pay(it.token, it.recipient, it.amount);
    }

    function refund(bytes32 id) external alone {
        Lock storage it = locks[id];
        if (it.state != State.LOCKED) revert NotLocked();
        if (block.timestamp < it.deadline) revert DeadlineNotReached();
        it.state = State.REFUNDED;
        emit Refunded(id);
        pay(it.token, it.sender, it.amount);
    }

    // All of what could not be paid to the caller, to an address of his choice.
    function withdraw(address token, address to) external alone {
        uint256 amount = owed[token][msg.sender];
        if (amount == 0) revert NothingOwed();
        owed[token][msg.sender] = 0;
        emit Withdrawn(token, msg.sender, to, amount);
        if (!send(token, to, amount, gasleft())) revert TransferFailed();
    }

    function pay(address token, address to, uint256 amount) private {
        // 63/64 of the gas left may be handed on (EIP-150).
        if (gasleft() < PAYMENT_GAS * 64 / 63 + BOOKING_GAS) revert NotEnoughGas();
        if (!send(token, to, amount, PAYMENT_GAS)) {
            owed[token][to] += amount;
            emit Owed(token, to, amount);
        }
    }

    function send(address token, address to, uint256 amount, uint256 most) private returns (bool sent) {
        if (token != address(0)) return call(token, abi.encodeCall(ERC20.transfer, (to, amount)), most);
        // No answer is copied: a payee cannot make it expensive.
        assembly ("memory-safe") { sent := call(most, to, amount, 0, 0, 0, 0) }
    }

    // Some tokens answer true, some nothing; some answer false or revert when they refuse. An address without code answers
    // nothing to everything, and is no token.
    function call(address token, bytes memory data, uint256 most) private returns (bool) {
        bool done;
        uint256 size;
        uint256 answer;
        assembly ("memory-safe") {
            mstore(0, 0)
            done := call(most, token, 0, add(data, 32), mload(data), 0, 32)
            size := returndatasize()
            answer := mload(0)
        }
        return done && (size == 0 ? token.code.length > 0 : size >= 32 && answer == 1);
    }
}
