// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A token for tests that attacks who uses it: it takes a fee, or calls back while it is called.
contract HostileToken {
    mapping(address => uint256) public balanceOf;
    uint256 public fee;
    address private target;
    bytes private callback;

    /// What the call back was answered with; its first four bytes are the error, when it was refused.
    bytes public answer;
    bool public succeeded;

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
    }

    function setFee(uint256 value) external {
        fee = value;
    }

    function setCallback(address to, bytes calldata data) external {
        target = to;
        callback = data;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        move(from, to, value);
        return true;
    }

    /// Lets this contract be the payer of a channel: it acts on what anybody says.
    function act(address to, bytes calldata data) external {
        (bool ok, bytes memory reason) = to.call(data);
        if (!ok) {
            assembly {
                revert(add(reason, 32), mload(reason))
            }
        }
    }

    function move(address from, address to, uint256 value) private {
        balanceOf[from] -= value;
        balanceOf[to] += value - fee;
        if (target != address(0)) {
            (succeeded, answer) = target.call(callback);
        }
    }
}
