using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using Google.Protobuf;
using Hyperion;
using Hyperion.SerializerFactories;
using Hyperion.ValueSerializers;
using AkkaSerializer = Akka.Serialization.Serializer;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// Serializes the messages of Hyperspace.Contracts between the processes of one peer with Hyperion, and nothing outside
/// <see cref="KnownTypes"/>. It is neither for journals nor for bytes of other peers.
/// </summary>
internal sealed class KnownTypesHyperionSerializer(ExtendedActorSystem system) : AkkaSerializer(system)
{
    private readonly Serializer _hyperion = new(SerializerOptions.Default
        .WithVersionTolerance(true)
        .WithPreserveObjectReferences(false)
        .WithDisallowUnsafeType(true)
        .WithTypeFilter(KnownTypes.Filter)
        .WithSerializerFactory([new ListsAsArrays(), new MapsAsDictionaries()])
        .WithSurrogates([Surrogate.Create<IMessage, WireMessage>(WireMessage.Of, wire => wire.Open())]));

    public override int Identifier => SerializerIds.Hyperion;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj)
    {
        if (!KnownTypes.Records.Contains(obj.GetType()))
            throw new SerializationException($"{obj.GetType()} is not a message of Hyperspace.Contracts; only those cross between processes.");
        using var stream = new MemoryStream();
        _hyperion.Serialize(obj, stream);
        return stream.ToArray();
    }

    public override object FromBinary(byte[] bytes, Type type)
    {
        using var stream = new MemoryStream(bytes, writable: false);
        object? message;
        try
        {
            message = _hyperion.Deserialize(stream);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new SerializationException("The bytes are no message of Hyperspace.Contracts: " + e.Message, e);
        }

        return message is not null && KnownTypes.Records.Contains(message.GetType())
            ? message
            : throw new SerializationException($"{message?.GetType().ToString() ?? "null"} is not a message of Hyperspace.Contracts.");
    }

    /// <summary>Writes any read-only list (collection expressions make types that only the compiler knows) as an array.</summary>
    private sealed class ListsAsArrays : ValueSerializerFactory
    {
        public override bool CanSerialize(Serializer serializer, Type type) =>
            !type.IsArray && type.IsClass && type != typeof(string) && ElementOf(type) is { } element && KnownTypes.IsElement(element);

        public override bool CanDeserialize(Serializer serializer, Type type) => false;

        public override ValueSerializer BuildSerializer(Serializer serializer, Type type, ConcurrentDictionary<Type, ValueSerializer> typeMapping)
        {
            var element = ElementOf(type)!;
            var copy = new Converted(serializer, element.MakeArrayType(), value =>
            {
                var items = ((System.Collections.IEnumerable)value).Cast<object>().ToArray();
                var array = Array.CreateInstance(element, items.Length);
                Array.Copy(items, array, items.Length);
                return array;
            });
            return typeMapping.GetOrAdd(type, copy);
        }

        private static Type? ElementOf(Type type) => type.GetInterfaces()
            .FirstOrDefault(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))?.GetGenericArguments()[0];
    }

    /// <summary>Writes any read-only map of strings as a plain dictionary.</summary>
    private sealed class MapsAsDictionaries : ValueSerializerFactory
    {
        public override bool CanSerialize(Serializer serializer, Type type) =>
            type != typeof(Dictionary<string, string>) && type.IsAssignableTo(typeof(IReadOnlyDictionary<string, string>));

        public override bool CanDeserialize(Serializer serializer, Type type) => false;

        public override ValueSerializer BuildSerializer(Serializer serializer, Type type, ConcurrentDictionary<Type, ValueSerializer> typeMapping) =>
            typeMapping.GetOrAdd(type, new Converted(serializer, typeof(Dictionary<string, string>), value => new Dictionary<string, string>((IReadOnlyDictionary<string, string>)value)));
    }

    private sealed class Converted(Serializer serializer, Type written, Func<object, object> convert) : ValueSerializer
    {
        private readonly ValueSerializer _inner = serializer.GetSerializerByType(written);

        public override void WriteManifest(Stream stream, SerializerSession session) => _inner.WriteManifest(stream, session);

        public override void WriteValue(Stream stream, object value, SerializerSession session) => _inner.WriteValue(stream, convert(value), session);

        public override object ReadValue(Stream stream, DeserializerSession session) => _inner.ReadValue(stream, session);

        public override Type GetElementType() => _inner.GetElementType();
    }
}

/// <summary>Stands where Akka has its Newtonsoft serializer, so that neither a stray type nor bytes from a socket ever reach it.</summary>
internal sealed class RefusingSerializer : AkkaSerializer
{
    /// <summary>Akka hands the settings of the serializer that stood here before.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system) => _ = settings;

    // The identifier of Akka's NewtonSoftJsonSerializer.
    public override int Identifier => 1;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj.GetType()} has no serializer; put it into Hyperspace.Contracts or into a journal format.");

    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException("Polymorphic JSON is not read.");
}

/// <summary>Registration of the known types.</summary>
internal static class KnownTypesExtensions
{
    /// <summary>Binds the messages of Hyperspace.Contracts to Hyperion and shuts Newtonsoft out.</summary>
    public static AkkaConfigurationBuilder WithKnownTypesOnly(this AkkaConfigurationBuilder builder) => builder
        .WithCustomSerializer("hyperspace-known-types", KnownTypes.Records, system => new KnownTypesHyperionSerializer(system))
        .AddHocon(
            $$"""akka.actor.serializers.json = "{{typeof(RefusingSerializer).FullName}}, {{typeof(RefusingSerializer).Assembly.GetName().Name}}" """,
            HoconAddMode.Prepend);
}
