namespace Hyperspace.Actors.Reputation;

/// <summary>How a provider stands, from 0 to 1; pure.</summary>
internal static class Standing
{
    /// <summary>Of a peer that nobody has rated yet, and so of every peer while peers do not rate each other.</summary>
    public const double Unknown = 0.5;

    /// <summary>True when a peer may be shown to who asks for at least <paramref name="least"/>. Unrated peers pass, else nobody new would ever be called and rated.</summary>
    public static bool Passes(double reputation, double? least) => least is not { } minimum || reputation == Unknown || reputation >= minimum;
}
