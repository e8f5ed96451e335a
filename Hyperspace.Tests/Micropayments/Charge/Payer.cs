using System.Security.Cryptography;
using System.Text;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.X402;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Charge;

/// <summary>A client that pays as MPP and x402 clients do, and can be told to do it wrong.</summary>
internal sealed class Payer(string label = "payer")
{
    public static readonly ChainOptions Chain = ChainOf(808080, 0xaa);

    public IWallet Wallet { get; } = Secp256k1Wallet.FromPrivateKey(Keccak256.Hash(Encoding.UTF8.GetBytes(label)));

    public string Address => EvmText.Of(Wallet.Address.Span);

    public string Key => $"{Address}:USDC";

    public static ChainOptions ChainOf(ulong id, byte token) => new()
    {
        Name = "local",
        ChainId = id,
        RpcUrl = new Uri("http://127.0.0.1:1"),
        Token = new ChainToken(Enumerable.Repeat(token, 20).ToArray(), "Test USD", "2", "USDC"),
    };

    public SignedTransfer Sign(TransferAuthorization authorization, ChainOptions? chain = null)
    {
        chain ??= Chain;
        var domain = new TokenDomain(chain.Token.Name, chain.Token.Version, chain.ChainId, chain.Token.Address.Span);
        return new SignedTransfer(authorization, Wallet.SignDigest(authorization.Digest(domain)));
    }

    /// <summary>Answers an MPP challenge.</summary>
    public string Mpp(string header, Func<TransferAuthorization, TransferAuthorization>? change = null, ChainOptions? chain = null, Action<System.Text.Json.Nodes.JsonObject>? alter = null)
    {
        var challenge = Assert.Single(MppChallenge.ReadAll([header]));
        var request = CanonicalJson.FromBase64Url(challenge.Request)!;
        Assert.True(EvmText.TryBytes(JsonText.Of(request, "recipient"), 20, out var recipient));
        Assert.True(EvmText.TryUnits(JsonText.Of(request, "amount"), out var units));
        var expires = (ulong)DateTimeOffset.Parse(challenge.Expires!, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeSeconds();
        var authorization = new TransferAuthorization(Wallet.Address, recipient, units, 0, expires, EvmCharge.NonceOf(challenge));
        var payload = EvmCharge.Payload(Sign(change?.Invoke(authorization) ?? authorization, chain));
        alter?.Invoke(payload);
        return new MppCredential(challenge, payload, EvmText.Source((chain ?? Chain).ChainId, Wallet.Address.Span)).ToHeader();
    }

    /// <summary>Answers an x402 challenge.</summary>
    public string X402(string header, DateTimeOffset now, Func<TransferAuthorization, TransferAuthorization>? change = null, Func<X402Payment, X402Payment>? alter = null)
    {
        var required = X402PaymentRequired.Read(header)!;
        var accepted = required.Accepts[0];
        var seconds = (ulong)now.ToUnixTimeSeconds();
        var authorization = new TransferAuthorization(Wallet.Address, accepted.PayTo, accepted.Units, seconds - 600, seconds + accepted.MaxTimeoutSeconds, RandomNumberGenerator.GetBytes(32));
        var payment = new X402Payment(required.Url, accepted, Sign(change?.Invoke(authorization) ?? authorization));
        return (alter?.Invoke(payment) ?? payment).ToHeader();
    }

    /// <summary>An authorization as charges take it; the signature is not looked at there.</summary>
    public ChargeAuthorization Authorization(int nonce, ulong micro, DateTimeOffset now, ulong chainId = 808080, TimeSpan? validity = null) => new(
        chainId,
        EvmText.Of(Chain.Token.Address.Span),
        Address,
        "0x" + new string('b', 40),
        Amount.MicroUsdc(micro),
        0,
        (ulong)(now + (validity ?? TimeSpan.FromMinutes(30))).ToUnixTimeSeconds(),
        "0x" + nonce.ToString("x64", System.Globalization.CultureInfo.InvariantCulture),
        "0x" + new string('c', 130));
}
