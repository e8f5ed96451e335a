namespace Hyperspace.Fuzz.Engine;

/// <summary>Makes an input smaller while it still shows what it was kept for.</summary>
internal static class Reduction
{
    /// <summary>Takes out ever smaller pieces (delta debugging), then turns what is left into zeros where that changes nothing.</summary>
    public static byte[] Shrink(byte[] input, Func<byte[], bool> stillShows)
    {
        for (var piece = Math.Max(1, input.Length / 2); piece > 0; piece /= 2)
        {
            for (var at = 0; at < input.Length;)
            {
                byte[] without = [.. input.AsSpan(0, at), .. input.AsSpan(Math.Min(input.Length, at + piece))];
                if (stillShows(without))
                {
                    input = without;
                }
                else
                {
                    at += piece;
                }
            }
        }

        for (var at = 0; at < input.Length; at++)
        {
            var zeroed = (byte[])input.Clone();
            zeroed[at] = 0;
            if (input[at] != 0 && stillShows(zeroed))
            {
                input = zeroed;
            }
        }

        return input;
    }
}
