using Akka.Actor;
using Akka.Hosting;
using Akka.Serialization;
using Google.Protobuf;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// How a primitive's event and snapshot records are written into a journal: each as a protobuf message under a
/// versioned manifest (<c>session-begun:1</c>). Manifests are for ever; a changed record gets the next version and the
/// old one stays readable. Needs no ActorSystem.
/// </summary>
internal sealed class JournalFormat
{
    private readonly Dictionary<Type, (string Manifest, Func<object, byte[]> Write)> _writers = [];
    private readonly Dictionary<string, Func<byte[], object>> _readers = [];

    /// <summary>The records that this format writes.</summary>
    public IReadOnlyCollection<Type> Types => _writers.Keys;

    /// <summary>The manifests that this format reads.</summary>
    public IReadOnlyCollection<string> Manifests => _readers.Keys;

    /// <summary>Maps <typeparamref name="TRecord"/> to <typeparamref name="TMessage"/> under <paramref name="manifest"/>, both ways.</summary>
    public JournalFormat Map<TRecord, TMessage>(string manifest, Func<TRecord, TMessage> toMessage, Func<TMessage, TRecord> toRecord)
        where TRecord : class
        where TMessage : class, IMessage<TMessage>, new()
    {
        var parser = new MessageParser<TMessage>(() => new TMessage());
        _writers.Add(typeof(TRecord), (manifest, record => toMessage((TRecord)record).ToByteArray()));
        _readers.Add(manifest, bytes => toRecord(parser.ParseFrom(bytes)));
        return this;
    }

    /// <summary>The manifest of a record.</summary>
    /// <exception cref="ArgumentException">The record is not mapped.</exception>
    public string ManifestOf(object record) => WriterOf(record).Manifest;

    /// <summary>The protobuf bytes of a record.</summary>
    /// <exception cref="ArgumentException">The record is not mapped.</exception>
    public byte[] ToBytes(object record) => WriterOf(record).Write(record);

    /// <summary>The record of a manifest and its bytes.</summary>
    /// <exception cref="ArgumentException">The manifest is not known: a newer version wrote it.</exception>
    /// <exception cref="InvalidProtocolBufferException">The bytes are damaged.</exception>
    public object FromBytes(string manifest, byte[] bytes) => _readers.TryGetValue(manifest, out var read)
        ? read(bytes)
        : throw new ArgumentException($"The journal holds '{manifest}', which this version does not know; run the version that wrote it, or a later one.", nameof(manifest));

    private (string Manifest, Func<object, byte[]> Write) WriterOf(object record) => _writers.TryGetValue(record.GetType(), out var writer)
        ? writer
        : throw new ArgumentException($"{record.GetType()} has no place in this journal; map it in the primitive's format.", nameof(record));
}

/// <summary>Binds a <see cref="JournalFormat"/> into Akka's serialization.</summary>
internal sealed class JournalSerializer(ExtendedActorSystem system, int identifier, JournalFormat format) : SerializerWithStringManifest(system)
{
    public override int Identifier => identifier;

    public override string Manifest(object o) => format.ManifestOf(o);

    public override byte[] ToBinary(object obj) => format.ToBytes(obj);

    public override object FromBinary(byte[] bytes, string manifest) => format.FromBytes(manifest, bytes);
}

/// <summary>Registration of journal formats.</summary>
internal static class JournalFormatExtensions
{
    /// <summary>Journals and snapshots of <paramref name="format"/>'s records use it from now on.</summary>
    /// <param name="builder">The system's configuration.</param>
    /// <param name="name">The serializer's name, as <c>hyperspace-state</c>.</param>
    /// <param name="identifier">Out of <see cref="SerializerIds"/>.</param>
    /// <param name="format">The primitive's format.</param>
    public static AkkaConfigurationBuilder WithJournalFormat(this AkkaConfigurationBuilder builder, string name, int identifier, JournalFormat format) =>
        builder.WithCustomSerializer(name, format.Types, system => new JournalSerializer(system, identifier, format));
}
