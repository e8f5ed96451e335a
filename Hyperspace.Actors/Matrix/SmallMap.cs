using System.Collections;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// A map for millions of instances most of which hold one entry: that one is inline, a few are in an array, many are hashed. In no
/// order. Not for several threads.
/// </summary>
internal sealed class SmallMap<TKey, TValue> : IEnumerable<KeyValuePair<TKey, TValue>>
    where TKey : class
    where TValue : struct
{
    // Beyond so many a search from end to end costs more than a hash.
    private const int Few = 8;

    private TKey? _key;
    private TValue _value;
    private KeyValuePair<TKey, TValue>[]? _few;
    private Dictionary<TKey, TValue>? _many;

    /// <summary>How many entries there are.</summary>
    public int Count => _many?.Count ?? ((_key is null ? 0 : 1) + (_few?.Length ?? 0));

    /// <summary>The value of a key; its default when there is none.</summary>
    public TValue GetValueOrDefault(TKey key) =>
        _many is not null ? _many.GetValueOrDefault(key)
        : key.Equals(_key) ? _value
        : IndexOf(key) is >= 0 and var at ? _few![at].Value : default;

    /// <summary>Sets the value of a key.</summary>
    public void Set(TKey key, TValue value)
    {
        if (_many is not null)
        {
            _many[key] = value;
        }
        else if (_key is null || key.Equals(_key))
        {
            (_key, _value) = (key, value);
        }
        else if (IndexOf(key) is >= 0 and var at)
        {
            _few![at] = KeyValuePair.Create(key, value);
        }
        else if (Count < Few)
        {
            _few = [.. _few ?? [], KeyValuePair.Create(key, value)];
        }
        else
        {
            _many = new Dictionary<TKey, TValue>(this) { [key] = value };
            (_key, _value, _few) = (null, default, null);
        }
    }

    /// <summary>Removes a key, if it is there.</summary>
    public void Remove(TKey key)
    {
        if (_many is not null)
        {
            _many.Remove(key);
        }
        else if (key.Equals(_key))
        {
            // The last of the few takes the place inline: it is empty only when there is none.
            (_key, _value) = _few is [.., var last] ? (last.Key, last.Value) : (null, default);
            _few = _few is { Length: > 1 } ? _few[..^1] : null;
        }
        else if (IndexOf(key) is >= 0 and var at)
        {
            _few = _few!.Length > 1 ? [.. _few[..at], .. _few[(at + 1)..]] : null;
        }
    }

    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator()
    {
        if (_many is not null)
        {
            foreach (var entry in _many)
            {
                yield return entry;
            }

            yield break;
        }

        if (_key is not null)
        {
            yield return KeyValuePair.Create(_key, _value);
        }

        foreach (var entry in _few ?? [])
        {
            yield return entry;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(TKey key) => _few is null ? -1 : Array.FindIndex(_few, e => e.Key.Equals(key));
}
