// SPDX-License-Identifier: MIT
// Tokens and payees as they should not be, for the tests of HashLock.sol.
pragma solidity 0.8.28;

// Answers nothing where ERC-20 says bool, can keep a fee, refuse by false, and block an account.
contract OddToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => bool) public blocked;
    uint256 public fee;
    bool public refusesByFalse;
    bool public answers;

    constructor(bool answers_, bool refusesByFalse_, uint256 fee_) {
        answers = answers_;
        refusesByFalse = refusesByFalse_;
        fee = fee_;
        balanceOf[msg.sender] = 1_000_000;
    }

    function toggle(address account) external { blocked[account] = !blocked[account]; }

    function transfer(address to, uint256 value) external { move(msg.sender, to, value); }
    function transferFrom(address from, address to, uint256 value) external { move(from, to, value); }

    function move(address from, address to, uint256 value) private {
        bool able = balanceOf[from] >= value && !blocked[to] && !blocked[from];
        if (!able && !refusesByFalse) revert("OddToken refuses");
        if (able) {
            balanceOf[from] -= value;
            balanceOf[to] += value - fee;
        }
        if (answers || !able) {
            assembly { mstore(0, able) return(0, 32) }
        }
    }
}

// Sends whatever it is told to; when it is paid, it takes the coin, refuses, burns all gas, returns a lot, or calls back.
contract OddPayee {
    uint256 public mode;
    address private target;
    bytes private data;
    bool public calledBack;

    function set(uint256 mode_, address target_, bytes calldata data_) external {
        mode = mode_;
        target = target_;
        data = data_;
    }

    function send(address to, uint256 value, bytes calldata what) external payable {
        (bool done, bytes memory answer) = to.call{value: value}(what);
        if (!done) assembly { revert(add(answer, 32), mload(answer)) }
    }

    receive() external payable {
        if (mode == 1) revert("OddPayee refuses");
        if (mode == 2) while (true) {}
        if (mode == 3) assembly { return(0, 200000) }
        if (mode == 4) { (bool done,) = target.call(data); calledBack = done; }
    }
}
