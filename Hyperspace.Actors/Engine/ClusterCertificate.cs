using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Remote.Hosting;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// The certificate by which the processes of one peer know each other: self-signed, in the data directory, the same for
/// all of them. TLS proves that the other side holds its key, so there is nothing else to verify: no names, no authority, no dates.
/// </summary>
internal static class ClusterCertificate
{
    /// <summary>PKCS #12 without a password, readable by its owner only. The other processes of a peer get a copy.</summary>
    public const string FileName = "cluster.pfx";

    private const int ValidYears = 100;

    /// <summary>Reads the certificate with its private key, or makes it.</summary>
    /// <exception cref="CryptographicException">The file is damaged.</exception>
    public static X509Certificate2 LoadOrCreate(string dataDirectory, TimeProvider time)
    {
        var path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path))
        {
            PrivateFiles.Write(path, Create(time.GetUtcNow()));
        }

        return X509CertificateLoader.LoadPkcs12FromFile(path, null);
    }

    /// <summary>TLS in which both sides must show that they hold <paramref name="certificate"/>.</summary>
    public static SslOptions Mutual(X509Certificate2 certificate) => new()
    {
        X509Certificate = certificate,
        SuppressValidation = false,
        RequireMutualAuthentication = true,
        CustomValidator = (presented, _, _, _, _) => presented is not null && presented.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span),
    };

    private static byte[] Create(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=hyperspace cluster", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(ValidYears));
        return certificate.Export(X509ContentType.Pkcs12);
    }
}
