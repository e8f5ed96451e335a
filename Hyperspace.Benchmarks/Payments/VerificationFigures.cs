using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Benchmarks.Payments;

/// <summary>What it takes to check one voucher, whole: EIP-712 digest, recovery, address; by each library of this machine, beside viem and ethers.</summary>
internal static class VerificationFigures
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var wallet = Secp256k1Wallet.Generate();
        var address = ByteString.CopyFrom(wallet.Address.Span);
        var terms = new ChannelTerms { Payer = address, Payee = address, Token = address, Escrow = address, AuthorizedSigner = address, Salt = ByteString.CopyFrom(new byte[32]), ChainId = 808080, DepositMicro = 1_000_000, Currency = "USDC" };
        var voucher = new VoucherSigner(wallet).Sign(terms, 1000);
        var theirs = await NodeScripts.RunAsync("verify.mjs", [duration.TotalSeconds], cancellationToken);
        return
        [
            .. Secp256k1.Available.Select(library => new Figure(
                $"voucher, whole verification, {library.Name}", Measure(library), "µs", theirs["viemUs"]!.GetValue<double>(), "viem", AtMost: library is LibSecp256k1 ? 60 : 250)),
            new Figure($"the same, {Secp256k1.Library.Name}", Measure(Secp256k1.Library), "µs", theirs["ethersUs"]!.GetValue<double>(), "ethers"),
        ];

        double Measure(ISecp256k1 library) => SignatureFigures.Microseconds(duration, () => VoucherVerifier.IsSigned(terms, voucher, library));
    }
}
