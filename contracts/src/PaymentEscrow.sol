// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// The part of ERC-20 and EIP-3009 that the escrow asks of a token.
interface IPaymentToken {
    function balanceOf(address owner) external view returns (uint256);

    function transfer(address to, uint256 value) external returns (bool);

    function transferFrom(address from, address to, uint256 value) external returns (bool);

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;
}

/// @title One-way payment channels (draft-evm-session; with another domain name, mppx's sessionLegacy).
/// A payer puts a deposit in and signs vouchers over the cumulative amount; the payee claims with the highest one. There is
/// no owner, no fee and no upgrade. A finalized channel keeps its record, so its id, and thus its salt, is never used again.
/// Tokens that rebase are not supported: what they take away would be missing from somebody else's channel.
contract PaymentEscrow {
    struct Channel {
        bool finalized;
        uint64 closeRequestedAt;
        address payer;
        address payee;
        address token;
        address authorizedSigner;
        uint128 deposit;
        uint128 settled;
    }

    event ChannelOpened(
        bytes32 indexed channelId,
        address indexed payer,
        address indexed payee,
        address token,
        address authorizedSigner,
        bytes32 salt,
        uint256 deposit
    );
    event TopUp(bytes32 indexed channelId, address indexed payer, address indexed payee, uint256 additionalDeposit, uint256 newDeposit);
    event Settled(
        bytes32 indexed channelId, address indexed payer, address indexed payee, uint256 cumulativeAmount, uint256 deltaPaid, uint256 newSettled
    );
    event CloseRequested(bytes32 indexed channelId, address indexed payer, address indexed payee, uint256 closeGraceEnd);
    event CloseRequestCancelled(bytes32 indexed channelId, address indexed payer, address indexed payee);
    event ChannelClosed(bytes32 indexed channelId, address indexed payer, address indexed payee, uint256 settledToPayee, uint256 refundedToPayer);
    event ChannelExpired(bytes32 indexed channelId, address indexed payer, address indexed payee);

    error AmountExceedsDeposit();
    error AmountNotIncreasing();
    error AuthorizationNotBound();
    error ChannelAlreadyExists();
    error ChannelFinalized();
    error ChannelNotFound();
    error CloseNotReady();
    error DepositOverflow();
    error InvalidPayee();
    error InvalidSignature();
    error NotPayee();
    error NotPayer();
    error Reentered();
    error TransferFailed();
    error ZeroDeposit();

    /// What a payee has to answer a close request, in seconds.
    uint64 public constant CLOSE_GRACE_PERIOD = 15 minutes;

    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 cumulativeAmount)");

    bytes32 private constant DOMAIN_TYPEHASH = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant VERSION_HASH = keccak256("1");

    // n/2 of secp256k1: a signature with a higher s is the malleable twin of another (EIP-2).
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    uint256 private constant FREE = 1;
    uint256 private constant ENTERED = 2;

    mapping(bytes32 => Channel) public channels;

    bytes32 private immutable nameHash;
    string private name;
    uint256 private entered = FREE;

    /// @param domainName Name of the EIP-712 domain of vouchers; its version is "1".
    constructor(string memory domainName) {
        name = domainName;
        nameHash = keccak256(bytes(domainName));
    }

    /// Calls to tokens leave the contract: nothing is entered while one is under way.
    modifier exclusive() {
        if (entered == ENTERED) revert Reentered();
        entered = ENTERED;
        _;
        entered = FREE;
    }

    /// Opens a channel from the caller, who has approved the deposit.
    /// @param authorizedSigner Who signs vouchers; zero: the payer.
    function open(address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)
        external
        exclusive
        returns (bytes32 channelId)
    {
        channelId = create(msg.sender, payee, token, deposit, salt, authorizedSigner);
        pull(token, msg.sender, deposit);
    }

    /// Opens a channel from `from`, on its EIP-3009 receiveWithAuthorization to this contract, whoever sends it. The
    /// authorization's nonce is the channel's id, so it can fund this channel only; and as only the receiver may use it,
    /// it cannot be spent on the token past the channel.
    function openWithAuthorization(
        address payee,
        address token,
        uint128 deposit,
        bytes32 salt,
        address authorizedSigner,
        address from,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external exclusive returns (bytes32 channelId) {
        channelId = create(from, payee, token, deposit, salt, authorizedSigner);
        if (nonce != channelId) revert AuthorizationNotBound();
        uint256 before = IPaymentToken(token).balanceOf(address(this));
        IPaymentToken(token).receiveWithAuthorization(from, address(this), deposit, validAfter, validBefore, nonce, v, r, s);
        requireReceived(token, before, deposit);
    }

    /// Adds to the deposit; a pending close request is cancelled.
    function topUp(bytes32 channelId, uint256 additionalDeposit) external exclusive {
        Channel storage channel = live(channelId);
        if (msg.sender != channel.payer) revert NotPayer();
        add(channelId, channel, additionalDeposit);
        pull(channel.token, msg.sender, additionalDeposit);
    }

    /// Adds to the deposit on the payer's EIP-3009 receiveWithAuthorization, whoever sends it. The authorization's nonce is
    /// topUpNonce(channelId, salt), so it can fund this channel only.
    function topUpWithAuthorization(
        bytes32 channelId,
        uint128 additionalDeposit,
        address from,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 salt,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external exclusive {
        Channel storage channel = live(channelId);
        if (from != channel.payer) revert NotPayer();
        add(channelId, channel, additionalDeposit);
        address token = channel.token;
        uint256 before = IPaymentToken(token).balanceOf(address(this));
        IPaymentToken(token).receiveWithAuthorization(
            from, address(this), additionalDeposit, validAfter, validBefore, topUpNonce(channelId, salt), v, r, s
        );
        requireReceived(token, before, additionalDeposit);
    }

    /// Pays the payee what the voucher says, less what it was paid before.
    function settle(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external exclusive {
        Channel storage channel = live(channelId);
        if (msg.sender != channel.payee) revert NotPayee();
        if (cumulativeAmount <= channel.settled) revert AmountNotIncreasing();
        uint128 delta = claim(channelId, channel, cumulativeAmount, signature);
        emit Settled(channelId, channel.payer, channel.payee, cumulativeAmount, delta, cumulativeAmount);
        send(channel.token, channel.payee, delta);
    }

    /// Pays the payee as settle does and gives the remainder back to the payer. A payee that claims nothing more needs no voucher.
    function close(bytes32 channelId, uint128 cumulativeAmount, bytes calldata signature) external exclusive {
        Channel storage channel = live(channelId);
        if (msg.sender != channel.payee) revert NotPayee();
        uint128 delta = cumulativeAmount > channel.settled ? claim(channelId, channel, cumulativeAmount, signature) : 0;
        finalize(channelId, channel, delta);
    }

    /// Starts the grace period after which the payer may withdraw; asking again does not start it anew.
    function requestClose(bytes32 channelId) external {
        Channel storage channel = live(channelId);
        if (msg.sender != channel.payer) revert NotPayer();
        if (channel.closeRequestedAt != 0) return;
        channel.closeRequestedAt = uint64(block.timestamp);
        emit CloseRequested(channelId, channel.payer, channel.payee, block.timestamp + CLOSE_GRACE_PERIOD);
    }

    /// Gives the payer what the payee has not claimed in the grace period.
    function withdraw(bytes32 channelId) external exclusive {
        Channel storage channel = live(channelId);
        if (msg.sender != channel.payer) revert NotPayer();
        uint64 requestedAt = channel.closeRequestedAt;
        if (requestedAt == 0 || block.timestamp < requestedAt + CLOSE_GRACE_PERIOD) revert CloseNotReady();
        emit ChannelExpired(channelId, channel.payer, channel.payee);
        finalize(channelId, channel, 0);
    }

    function getChannel(bytes32 channelId) external view returns (Channel memory) {
        return channels[channelId];
    }

    function getChannelsBatch(bytes32[] calldata channelIds) external view returns (Channel[] memory channelStates) {
        channelStates = new Channel[](channelIds.length);
        for (uint256 i = 0; i < channelIds.length; i++) {
            channelStates[i] = channels[channelIds[i]];
        }
    }

    function computeChannelId(address payer, address payee, address token, bytes32 salt, address authorizedSigner)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(payer, payee, token, salt, authorizedSigner, address(this), block.chainid));
    }

    /// The EIP-3009 nonce that binds an authorization to one top-up of one channel.
    function topUpNonce(bytes32 channelId, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(channelId, salt));
    }

    function getVoucherDigest(bytes32 channelId, uint128 cumulativeAmount) public view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, cumulativeAmount))));
    }

    function domainSeparator() public view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, nameHash, VERSION_HASH, block.chainid, address(this)));
    }

    /// EIP-5267.
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name_,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (0x0f, name, "1", block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    function live(bytes32 channelId) private view returns (Channel storage channel) {
        channel = channels[channelId];
        if (channel.payer == address(0)) revert ChannelNotFound();
        if (channel.finalized) revert ChannelFinalized();
    }

    function create(address payer, address payee, address token, uint128 deposit, bytes32 salt, address authorizedSigner)
        private
        returns (bytes32 channelId)
    {
        if (payee == address(0)) revert InvalidPayee();
        if (deposit == 0) revert ZeroDeposit();
        channelId = computeChannelId(payer, payee, token, salt, authorizedSigner);
        Channel storage channel = channels[channelId];
        if (channel.payer != address(0)) revert ChannelAlreadyExists();
        channel.payer = payer;
        channel.payee = payee;
        channel.token = token;
        channel.authorizedSigner = authorizedSigner;
        channel.deposit = deposit;
        emit ChannelOpened(channelId, payer, payee, token, authorizedSigner, salt, deposit);
    }

    function add(bytes32 channelId, Channel storage channel, uint256 additionalDeposit) private {
        if (additionalDeposit == 0) revert ZeroDeposit();
        uint128 deposit = channel.deposit;
        if (additionalDeposit > type(uint128).max - deposit) revert DepositOverflow();
        deposit += uint128(additionalDeposit);
        channel.deposit = deposit;
        if (channel.closeRequestedAt != 0) {
            channel.closeRequestedAt = 0;
            emit CloseRequestCancelled(channelId, channel.payer, channel.payee);
        }
        emit TopUp(channelId, channel.payer, channel.payee, additionalDeposit, deposit);
    }

    function claim(bytes32 channelId, Channel storage channel, uint128 cumulativeAmount, bytes calldata signature)
        private
        returns (uint128 delta)
    {
        if (cumulativeAmount > channel.deposit) revert AmountExceedsDeposit();
        address signer = channel.authorizedSigner == address(0) ? channel.payer : channel.authorizedSigner;
        if (recover(getVoucherDigest(channelId, cumulativeAmount), signature) != signer) revert InvalidSignature();
        delta = cumulativeAmount - channel.settled;
        channel.settled = cumulativeAmount;
    }

    function finalize(bytes32 channelId, Channel storage channel, uint128 delta) private {
        uint128 settled = channel.settled;
        uint128 remainder = channel.deposit - settled;
        channel.finalized = true;
        emit ChannelClosed(channelId, channel.payer, channel.payee, settled, remainder);
        if (delta != 0) send(channel.token, channel.payee, delta);
        if (remainder != 0) send(channel.token, channel.payer, remainder);
    }

    /// The signer of a 65-byte r ‖ s ‖ v with v 27 or 28 and a low s; anything else is refused.
    function recover(bytes32 digest, bytes calldata signature) private pure returns (address signer) {
        if (signature.length != 65) revert InvalidSignature();
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        if (uint256(s) > HALF_ORDER || (v != 27 && v != 28)) revert InvalidSignature();
        signer = ecrecover(digest, v, r, s);
        if (signer == address(0)) revert InvalidSignature();
    }

    function pull(address token, address from, uint256 amount) private {
        uint256 before = IPaymentToken(token).balanceOf(address(this));
        call(token, abi.encodeCall(IPaymentToken.transferFrom, (from, address(this), amount)));
        requireReceived(token, before, amount);
    }

    // A token that takes a fee would leave less here than the channel promises.
    function requireReceived(address token, uint256 before, uint256 amount) private view {
        if (IPaymentToken(token).balanceOf(address(this)) - before != amount) revert TransferFailed();
    }

    function send(address token, address to, uint256 amount) private {
        call(token, abi.encodeCall(IPaymentToken.transfer, (to, amount)));
    }

    // Some tokens return nothing instead of true. That there is a contract at the address was shown by balanceOf.
    function call(address token, bytes memory data) private {
        (bool ok, bytes memory answer) = token.call(data);
        if (!ok || (answer.length != 0 && !abi.decode(answer, (bool)))) revert TransferFailed();
    }
}
