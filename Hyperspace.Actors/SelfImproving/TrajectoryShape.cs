using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What a run did, without what came of it; pure.</summary>
internal static class TrajectoryShape
{
    /// <summary>The same for runs that took the same steps with the same inputs: a hash, lower-case hex. Of a shortened run not all steps are known: it is its own way.</summary>
    public static string Of(Trajectory run)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in run.Steps.SelectMany(step => (string[])[step.Kind, step.Name, step.Input]))
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        hash.AppendData(run.BodyHash.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset(), 0, 8);
    }
}
