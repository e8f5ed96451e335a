using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using System.Text.Json;
using Akka.Actor;
using Akka.Serialization;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Tests.Engine;

public sealed class SerializationTests : IDisposable
{
    private readonly ActorSystem _system = ActorSystem.Create("serialization");
    private readonly KnownTypesHyperionSerializer _serializer;

    public SerializationTests() => _serializer = new KnownTypesHyperionSerializer((ExtendedActorSystem)_system);

    public void Dispose() => _system.Dispose();

    public static TheoryData<string> Records => [.. KnownTypes.Records.Select(type => type.FullName!)];

    [Theory]
    [MemberData(nameof(Records))]
    public void Every_record_of_the_contracts_comes_back_as_it_was(string name)
    {
        var type = typeof(Refusal).Assembly.GetType(name, throwOnError: true)!;
        for (var seed = 1; seed <= 3; seed++)
        {
            var message = Sample(type, seed);
            var back = _serializer.FromBinary(_serializer.ToBinary(message), typeof(object));
            Assert.Equal(type, back.GetType());
            Assert.Equal(Text(message), Text(back));
        }
    }

    [Fact]
    public void The_set_is_the_actors_protocol_and_not_the_wire()
    {
        Assert.Contains(typeof(SessionCommands.Reserve), KnownTypes.Records);
        Assert.Contains(typeof(Amount), KnownTypes.Records);
        Assert.DoesNotContain(typeof(Hyperspace.Contracts.Wire.Envelope), KnownTypes.Records);
        Assert.True(KnownTypes.Records.Count > 60);
    }

    [Fact]
    public void Nothing_else_is_written()
    {
        Assert.Throws<SerializationException>(() => _serializer.ToBinary(new Uri("http://localhost")));
        Assert.Throws<SerializationException>(() => _serializer.ToBinary("text"));
        Assert.Throws<SerializationException>(() => _serializer.ToBinary(new FileInfo("x")));
    }

    [Theory]
    [InlineData(typeof(FileInfo))]
    [InlineData(typeof(Uri))]
    [InlineData(typeof(List<string>))]
    [InlineData(typeof(Stranger))]
    public void Nothing_else_is_read(Type type)
    {
        object stranger = type == typeof(FileInfo) ? new FileInfo("x") : type == typeof(Uri) ? new Uri("http://localhost") : Activator.CreateInstance(type)!;
        using var stream = new MemoryStream();
        new Hyperion.Serializer(Hyperion.SerializerOptions.Default.WithDisallowUnsafeType(false)).Serialize(stranger, stream);
        Assert.Throws<SerializationException>(() => _serializer.FromBinary(stream.ToArray(), typeof(object)));
    }

    [Fact]
    public void Random_and_damaged_bytes_are_a_serialization_error_or_a_message()
    {
        var random = new Random(7);
        var good = _serializer.ToBinary(Sample(typeof(SessionView), 2));
        for (var i = 0; i < 300; i++)
        {
            byte[] bytes;
            if (i % 2 == 0)
            {
                bytes = new byte[random.Next(1, 80)];
                random.NextBytes(bytes);
            }
            else
            {
                bytes = [.. good];
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            try
            {
                Assert.Contains(_serializer.FromBinary(bytes, typeof(object)).GetType(), KnownTypes.Records);
            }
            catch (SerializationException)
            {
                // The one error that a reader may raise.
            }
        }
    }

    [Fact]
    public async Task In_the_engine_messages_go_through_hyperion_and_strangers_through_nothing()
    {
        await using var engine = await EngineFixture.StartAsync(_ => { });
        var serialization = engine.System.Serialization;
        foreach (var type in KnownTypes.Records)
            Assert.IsType<KnownTypesHyperionSerializer>(serialization.FindSerializerForType(type));

        Assert.Throws<SerializationException>(() => serialization.Serialize(new Stranger()));
        var json = new NewtonSoftJsonSerializer((ExtendedActorSystem)engine.System).ToBinary(new Stranger());
        Assert.Throws<SerializationException>(() => serialization.Deserialize(json, 1, typeof(Stranger)));
    }

    public sealed class Stranger
    {
        public string Name { get; set; } = "x";
    }

    // Structural comparison: records compare lists by reference.
    private static string Text(object value) => JsonSerializer.Serialize(value, value.GetType());

    private static object Sample(Type type, int seed)
    {
        var inner = Nullable.GetUnderlyingType(type) ?? type;
        if (inner == typeof(string))
            return $"text {seed} ö";
        if (inner == typeof(Currency))
            return seed % 2 == 0 ? Currency.Usdc : Currency.Parse("EUR");
        if (inner == typeof(Amount))
            return new Amount((ulong)seed * 1_000_003, Currency.Usdc);
        if (inner == typeof(DateTimeOffset))
            return new DateTimeOffset(2026, 1, 2, 3, 4, seed, TimeSpan.Zero);
        if (inner == typeof(TimeSpan))
            return TimeSpan.FromTicks(1234567 * seed);
        if (inner == typeof(byte[]))
            return Enumerable.Range(0, 20 * seed).Select(i => (byte)i).ToArray();
        if (inner == typeof(bool))
            return seed % 2 == 1;
        if (inner.IsEnum)
            return Enum.GetValues(inner).GetValue(seed % Enum.GetValues(inner).Length)!;
        if (inner.IsPrimitive)
            return Convert.ChangeType(seed * 7, inner, System.Globalization.CultureInfo.InvariantCulture);
        if (inner.IsAssignableTo(typeof(IMessage)))
            return MessageSample(inner, seed);
        if (inner.IsGenericType && inner.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            return typeof(SerializationTests).GetMethod(nameof(ListSample), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(inner.GetGenericArguments()[0]).Invoke(null, [seed])!;
        if (inner == typeof(IReadOnlyDictionary<string, string>))
            return new System.Collections.ObjectModel.ReadOnlyDictionary<string, string>(new Dictionary<string, string> { ["a"] = "b", ["c"] = $"{seed}" });
        var constructor = inner.GetConstructors().OrderByDescending(c => c.GetParameters().Length).FirstOrDefault();
        return constructor is null
            ? RuntimeHelpers.GetUninitializedObject(inner)
            : constructor.Invoke([.. constructor.GetParameters().Select(p => IsLeftOut(p, seed) ? null : Sample(p.ParameterType, seed))]);
    }

    // The third sample has nothing wherever nothing may be.
    private static bool IsLeftOut(ParameterInfo parameter, int seed) =>
        seed == 3 && new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;

    // Each sample holds its items in another kind of list, among them the one that only the compiler can name.
    private static IReadOnlyList<T> ListSample<T>(int seed)
    {
        var first = (T)Sample(typeof(T), seed);
        var second = (T)Sample(typeof(T), seed + 1);
        return seed switch
        {
            1 => [first, second],
            2 => System.Collections.Immutable.ImmutableList.Create(first, second),
            _ => new List<T> { first, second }.AsReadOnly(),
        };
    }

    private static IMessage MessageSample(Type type, int seed)
    {
        var message = (IMessage)Activator.CreateInstance(type)!;
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.FieldType == Google.Protobuf.Reflection.FieldType.Bytes && !field.IsRepeated)
                field.Accessor.SetValue(message, ByteString.CopyFrom((byte)seed, 2, 3));
            else if (field.FieldType == Google.Protobuf.Reflection.FieldType.UInt64 && !field.IsRepeated)
                field.Accessor.SetValue(message, (ulong)seed << 40);
        }

        return message;
    }
}
