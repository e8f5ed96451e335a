using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Benchmarks.Functions;

/// <summary>Signing and verifying of what crosses the wire, with its allocations.</summary>
[MemoryDiagnoser]
public class SignatureBenchmarks
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(56);
    private readonly KeyPair _keys = KeyPair.Generate();
    private readonly byte[] _payload = new byte[1024];
    private readonly byte[] _key = Keccak256.Hash("a key"u8);
    private readonly byte[] _digest = Keccak256.Hash("a message"u8);
    private ReadOnlyMemory<byte> _envelope;
    private VoucherSigner _signer = null!;
    private ChannelTerms _terms = null!;
    private Voucher _voucher = null!;

    [GlobalSetup]
    public void Setup()
    {
        _envelope = SignedEnvelope.Seal(_keys, "bench", _payload, new HybridTime((ulong)Now.ToUnixTimeMilliseconds(), 0)).Bytes;
        var wallet = Secp256k1Wallet.Generate();
        var address = ByteString.CopyFrom(wallet.Address.Span);
        _terms = new ChannelTerms { Payer = address, Payee = address, Token = address, Escrow = address, AuthorizedSigner = address, Salt = ByteString.CopyFrom(new byte[32]), ChainId = 808080 };
        _signer = new VoucherSigner(wallet);
        _voucher = _signer.Sign(_terms, 1000);
    }

    /// <summary>The secp256k1 libraries of this machine.</summary>
    public static IEnumerable<string> Libraries => Secp256k1.Available.Select(l => l.Name);

    [Benchmark]
    public bool VerifyEnvelope() => SignedEnvelope.Open(_envelope, Now, out _) is not null;

    [Benchmark]
    [ArgumentsSource(nameof(Libraries))]
    public bool VerifyVoucher(string library) => VoucherVerifier.IsSigned(_terms, _voucher, Secp256k1.Choose(library));

    [Benchmark]
    [ArgumentsSource(nameof(Libraries))]
    public object SignDigest(string library) => Secp256k1.Choose(library).Sign(_key, _digest);

    [Benchmark]
    public object SignVoucher() => _signer.Sign(_terms, 1000);
}
