using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>What a peer offers, out of an envelope that verified.</summary>
/// <param name="Peer">Its author.</param>
/// <param name="Sequence">Higher replaces lower.</param>
/// <param name="Tools">Its tools; ones that break a rule are left out.</param>
/// <param name="Addresses">Where it listens.</param>
/// <param name="Payment">On what terms it is paid, if at all.</param>
/// <param name="Binding">Its wallet's binding; whoever pays checks it.</param>
/// <param name="Envelope">The whole envelope, to be relayed.</param>
internal sealed record PeerCapabilities(PeerId Peer, ulong Sequence, IReadOnlyList<ToolDefinition> Tools, IReadOnlyList<Multiaddr> Addresses, PaymentTerms? Payment, IdentityBinding? Binding, ReadOnlyMemory<byte> Envelope)
{
    /// <summary>Its skills and agents; ones that break a rule are left out.</summary>
    public IReadOnlyList<DescribedCapability> Described { get; init; } = [];


    /// <summary>The tool of that name, if the peer has one.</summary>
    public ToolDefinition? Find(string name) => Tools.FirstOrDefault(t => t.Name == name);
}

/// <summary>Capability records: how they are made, sealed, opened, and where the DHT keeps them; pure.</summary>
internal static class CapabilityRecords
{
    /// <summary>Largest sealed record, in bytes: it must fit a DHT record and a gossip message.</summary>
    public const int MaxBytes = 60 * 1024;

    /// <summary>How long a record is good: a peer that is gone is forgotten after it.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(30);

    private const int EnvelopeOverhead = 512;
    private const int MaxAddresses = 32;
    private const string KeyPrefix = "/hyperspace/peer/";

    /// <summary>The DHT key of a peer's record.</summary>
    public static byte[] KeyOf(PeerId peer) => Encoding.UTF8.GetBytes(KeyPrefix + peer);

    /// <summary>The peer whose record a DHT key names, or null.</summary>
    public static PeerId? PeerOf(ReadOnlySpan<byte> key)
    {
        var text = key.Length <= 256 ? Encoding.UTF8.GetString(key) : "";
        return text.StartsWith(KeyPrefix, StringComparison.Ordinal) && PeerId.TryParse(text[KeyPrefix.Length..], out var peer) ? peer : null;
    }

    /// <summary>The multihash under which providers of a capability tag or tool name are found.</summary>
    public static byte[] ProviderKey(string tag) => [0x12, 0x20, .. SHA256.HashData(Encoding.UTF8.GetBytes("hyperspace/cap/" + tag))];

    /// <summary>The tags that a peer with these tools announces itself under: capabilities, names, and what a bridge's prefix stands before.</summary>
    public static IReadOnlyList<string> TagsOf(IEnumerable<ToolDefinition> tools, int most = 512) =>
        [.. tools.SelectMany(t => t.Capabilities.Append(t.Name.ToLowerInvariant()).Append(t.Name[(t.Name.LastIndexOf('.') + 1)..].ToLowerInvariant())).Where(t => t.Length > 0).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(most)];

    /// <summary>
    /// Makes this peer's record. When it would be over <see cref="MaxBytes"/>, the longest schemas are left out first (the
    /// provider checks parameters anyway), then skills and agents, then whole tools from the end of the alphabet.
    /// </summary>
    public static CapabilityRecord Build(PeerIdentity identity, PeerOptions options, IEnumerable<Multiaddr> addresses, IEnumerable<ToolDefinition> tools, IEnumerable<DescribedCapability> described, ulong sequence)
    {
        var others = described.ToList();
        var record = new CapabilityRecord
        {
            Sequence = sequence,
            Addresses = { addresses.Take(MaxAddresses).Select(a => a.ToString()) },
            Tools = { tools.OrderBy(t => t.Name, StringComparer.Ordinal).Select(ToolDescriptors.ToWire) },
            Skills = { others.Where(o => o.Type == "skill").Select(o => o.Name) },
            Others = { others.Select(o => new CapabilityDescriptor { Type = o.Type, Name = o.Name, Description = o.Description, Tags = { o.Tags } }) },
            Binding = identity.Binding,
            Payment = TermsOf(identity, options),
            AgentVersion = options.AgentVersion,
        };
        foreach (var longest in record.Tools.OrderByDescending(t => t.InputSchema.Length).ToList())
        {
            if (record.CalculateSize() <= MaxBytes - EnvelopeOverhead)
            {
                break;
            }

            longest.InputSchema = "";
        }

        while (record.CalculateSize() > MaxBytes - EnvelopeOverhead && record.Others.Count > 0)
        {
            record.Others.RemoveAt(record.Others.Count - 1);
        }

        while (record.CalculateSize() > MaxBytes - EnvelopeOverhead && record.Skills.Count > 0)
        {
            record.Skills.RemoveAt(record.Skills.Count - 1);
        }

        while (record.CalculateSize() > MaxBytes - EnvelopeOverhead)
        {
            record.Tools.RemoveAt(record.Tools.Count - 1);
        }

        return record;
    }

    /// <summary>On what terms this peer is paid.</summary>
    public static PaymentTerms TermsOf(PeerIdentity identity, PeerOptions options) => MutualCredit.TermsOf(identity, options);

    /// <summary>Seals a record.</summary>
    public static SignedEnvelope Seal(PeerIdentity identity, CapabilityRecord record, HybridTime time) =>
        SignedEnvelope.Seal(identity.Keys, EnvelopeTypes.Capabilities, record.ToByteArray(), time, Lifetime);

    /// <summary>Opens a record that came from anywhere; null and a reason when it is none.</summary>
    public static PeerCapabilities? Open(ReadOnlyMemory<byte> bytes, DateTimeOffset now, out string reason)
    {
        if (SignedEnvelope.Open(bytes, now, out reason) is not { } envelope)
        {
            return null;
        }

        if (envelope.Type != EnvelopeTypes.Capabilities)
        {
            reason = $"an envelope of type {envelope.Type} is no capability record";
            return null;
        }

        try
        {
            var record = CapabilityRecord.Parser.ParseFrom(envelope.Payload.Span);
            if (record.Tools.Count > ToolRules.MaxTools || record.Others.Count > ToolRules.MaxTools || record.Addresses.Count > MaxAddresses)
            {
                reason = "it has too many tools, skills, agents or addresses";
                return null;
            }

            var tools = record.Tools.Select(ToolDescriptors.FromWire).OfType<ToolDefinition>().DistinctBy(t => t.Name).ToList();
            return new PeerCapabilities(envelope.Author, record.Sequence, tools, [.. record.Addresses.Select(Address).OfType<Multiaddr>()], record.Payment, record.Binding, bytes)
            {
                Described = [.. record.Others.Select(o => ToolRules.Normalise(new DescribedCapability(o.Type, o.Name, o.Description, [.. o.Tags])).Capability).OfType<DescribedCapability>().DistinctBy(d => d.Path)],
            };
        }
        catch (InvalidProtocolBufferException e)
        {
            reason = "its payload is no capability record: " + e.Message;
            return null;
        }
    }

    private static Multiaddr? Address(string text) => Multiaddr.TryParse(text, out var address) ? address : null;
}
