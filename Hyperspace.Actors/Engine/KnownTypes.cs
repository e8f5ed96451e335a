using System.Collections.Frozen;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Hyperion;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// The closed set of types that may cross between the processes of one peer: the records, enums and value types of
/// Hyperspace.Contracts, its protobuf messages, and the few framework types that they are made of.
/// </summary>
internal static partial class KnownTypes
{
    // What records are made of beside each other.
    private static readonly Type[] Framework =
    [
        typeof(string), typeof(byte), typeof(bool), typeof(int), typeof(long), typeof(uint), typeof(ulong), typeof(double),
        typeof(DateTimeOffset), typeof(TimeSpan), typeof(Dictionary<string, string>), typeof(System.Collections.DictionaryEntry), typeof(WireMessage),
    ];

    /// <summary>Records, enums and value types of Hyperspace.Contracts: what an actor may be told.</summary>
    public static IReadOnlyList<Type> Records { get; } = [.. typeof(Refusal).Assembly.GetTypes().Where(IsRecord)];

    /// <summary>Protobuf messages of Hyperspace.Contracts by their full name.</summary>
    public static FrozenDictionary<string, MessageParser> Messages { get; } = typeof(Envelope).Assembly.GetTypes()
        .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IMessage)))
        .Select(type => ((IMessage)Activator.CreateInstance(type)!).Descriptor)
        .ToFrozenDictionary(descriptor => descriptor.FullName, descriptor => descriptor.Parser);

    /// <summary>Lets through the names of the set, of its arrays and of its nullables, as Hyperion writes them.</summary>
    public static ITypeFilter Filter { get; } = new NameFilter();

    /// <summary>Whether lists of this element may be written.</summary>
    public static bool IsElement(Type type) => Array.IndexOf(Framework, type) >= 0 || Records.Contains(type) || type.IsAssignableTo(typeof(IMessage));

    private static bool IsRecord(Type type) =>
        type is { IsVisible: true, IsAbstract: false, ContainsGenericParameters: false } &&
        type.Namespace?.StartsWith("Hyperspace.Contracts", StringComparison.Ordinal) == true &&
        type.Namespace != typeof(Envelope).Namespace;

    /// <summary>Hyperion asks for the assembly-qualified name when it writes, and for a shortened one when it reads.</summary>
    private sealed partial class NameFilter : ITypeFilter
    {
        private readonly FrozenSet<string> _names = Framework
            .Concat(Records)
            .SelectMany(type => type.IsValueType ? new[] { type, typeof(Nullable<>).MakeGenericType(type) } : [type])
            .SelectMany(type => new[] { type, type.MakeArrayType() })
            .Select(type => Shorten(type.AssemblyQualifiedName!))
            .ToFrozenSet(StringComparer.Ordinal);

        public bool IsAllowed(string typeName) => _names.Contains(Shorten(typeName));

        private static string Shorten(string name) =>
            Versions().Replace(name, "").Replace(",%core%", "", StringComparison.Ordinal);

        [GeneratedRegex(@", Version=[\d.]+|, Culture=[^,\]\s]+|, PublicKeyToken=(null|[\da-fA-F]+)", RegexOptions.CultureInvariant)]
        private static partial Regex Versions();
    }
}

/// <summary>A protobuf message inside a record, as Hyperion sees it.</summary>
internal sealed record WireMessage(string Name, byte[] Bytes)
{
    public static WireMessage Of(IMessage message) => new(Known(message.Descriptor.FullName).Name, message.ToByteArray());

    public IMessage Open() => Known(Name).Parser.ParseFrom(Bytes);

    private static (string Name, MessageParser Parser) Known(string name) => KnownTypes.Messages.TryGetValue(name, out var parser)
        ? (name, parser)
        : throw new InvalidDataException($"'{name}' is not a message of this protocol.");
}
