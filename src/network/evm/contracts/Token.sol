// SPDX-License-Identifier: MIT
// An ERC-20 token (EIP-20) with a fixed supply: all of it belongs to `owner` at first. No mint, no burn, no pause, no
// administrator. Amounts are in the smallest unit; `decimals` only tells people where to put the point.
pragma solidity 0.8.28;

contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error NoAccount();                                    // the zero address can neither own nor be allowed anything
    error BalanceTooSmall(uint256 balance, uint256 value);
    error AllowanceTooSmall(uint256 allowance, uint256 value);

    string public name;
    string public symbol;
    uint8 public immutable decimals;
    uint256 public immutable totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    constructor(string memory name_, string memory symbol_, uint8 decimals_, uint256 supply, address owner) {
        if (owner == address(0)) revert NoAccount();
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
        totalSupply = supply;
        balanceOf[owner] = supply;
        emit Transfer(address(0), owner, supply);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        if (spender == address(0)) revert NoAccount();
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    // The largest allowance is without end, and is not counted down.
    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            if (allowed < value) revert AllowanceTooSmall(allowed, value);
            unchecked { allowance[from][msg.sender] = allowed - value; }
        }
        move(from, to, value);
        return true;
    }

    function move(address from, address to, uint256 value) private {
        if (to == address(0)) revert NoAccount();
        uint256 balance = balanceOf[from];
        if (balance < value) revert BalanceTooSmall(balance, value);
        // The sum of all balances is totalSupply: no balance can pass what its type holds.
        unchecked {
            balanceOf[from] = balance - value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }
}
