using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC;
using Org.BouncyCastle.Math.EC.Multiplier;
using Org.BouncyCastle.Utilities;

namespace Hyperspace.Actors.Evm;

/// <summary>
/// secp256k1 on BouncyCastle's field and point arithmetic (SEC 1 section 4.1, RFC 6979, EIP-2). ECDSA itself is
/// written out because BouncyCastle's signer does not tell the recovery id.
/// </summary>
internal sealed class BouncyCastleSecp256k1 : ISecp256k1
{
    private const int Scalar = 32;
    private static readonly X9ECParameters Curve = CustomNamedCurves.GetByName("secp256k1");
    private static readonly BigInteger Order = Curve.N;
    private static readonly BigInteger HalfOrder = Order.ShiftRight(1);

    /// <inheritdoc/>
    public string Name => "BouncyCastle";

    /// <inheritdoc/>
    public bool IsPrivateKey(ReadOnlySpan<byte> privateKey) => SignatureRules.IsScalar(privateKey);

    /// <inheritdoc/>
    public byte[] AddressOf(ReadOnlySpan<byte> privateKey)
    {
        var address = new byte[Secp256k1.AddressSize];
        WriteAddress(TimesG(PrivateScalar(privateKey)), address);
        return address;
    }

    /// <inheritdoc/>
    public byte[] Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> digest)
    {
        var d = PrivateScalar(privateKey);
        var z = DigestScalar(digest);
        var nonces = new HMacDsaKCalculator(new Sha256Digest());
        nonces.Init(Order, d, digest.ToArray());
        while (true)
        {
            var k = nonces.NextK();
            var point = TimesG(k);
            var r = point.AffineXCoord.ToBigInteger();
            var s = Inverse(k).Multiply(z.Add(r.Multiply(d))).Mod(Order);

            // r ≥ n needs a recovery id above 1, which v 27 and 28 cannot say; it happens once in 2^128.
            if (r.SignValue == 0 || r.CompareTo(Order) >= 0 || s.SignValue == 0)
            {
                continue;
            }

            var odd = point.AffineYCoord.ToBigInteger().TestBit(0);
            if (s.CompareTo(HalfOrder) > 0)
            {
                s = Order.Subtract(s);
                odd = !odd;
            }

            var signature = new byte[Secp256k1.SignatureSize];
            Write(r, signature.AsSpan(0, Scalar));
            Write(s, signature.AsSpan(Scalar, Scalar));
            signature[64] = (byte)(odd ? 28 : 27);
            return signature;
        }
    }

    /// <inheritdoc/>
    public bool TryRecoverAddress(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature, Span<byte> address)
    {
        var z = DigestScalar(digest);
        if (!SignatureRules.AreMet(signature))
        {
            return false;
        }

        var r = new BigInteger(1, signature[..Scalar]);
        var s = new BigInteger(1, signature[Scalar..64]);
        ECPoint point;
        try
        {
            point = Curve.Curve.DecodePoint([(byte)(signature[64] == 28 ? 3 : 2), .. signature[..Scalar]]);
        }
        catch (ArgumentException)
        {
            // No point of the curve has this x coordinate.
            return false;
        }

        var inverse = Inverse(r);
        var signer = ECAlgorithms.SumOfTwoMultiplies(
            Curve.G, Order.Subtract(z).Multiply(inverse).Mod(Order), point, s.Multiply(inverse).Mod(Order)).Normalize();
        if (signer.IsInfinity)
        {
            return false;
        }

        WriteAddress(signer, address);
        return true;
    }

    private static BigInteger PrivateScalar(ReadOnlySpan<byte> privateKey)
    {
        Secp256k1.CheckPrivateKey(privateKey);
        return new BigInteger(1, privateKey);
    }

    private static BigInteger DigestScalar(ReadOnlySpan<byte> digest)
    {
        Secp256k1.CheckDigest(digest);
        return new BigInteger(1, digest).Mod(Order);
    }

    private static ECPoint TimesG(BigInteger scalar) => new FixedPointCombMultiplier().Multiply(Curve.G, scalar).Normalize();

    private static void WriteAddress(ECPoint point, Span<byte> address)
    {
        Span<byte> encoded = stackalloc byte[65];
        point.EncodeTo(compressed: false, encoded);
        Secp256k1.WriteAddress(encoded, address);
    }

    private static void Write(BigInteger value, Span<byte> destination)
    {
        var bytes = value.ToByteArrayUnsigned();
        bytes.CopyTo(destination[(destination.Length - bytes.Length)..]);
    }

    private static BigInteger Inverse(BigInteger value) => BigIntegers.ModOddInverse(Order, value);
}
