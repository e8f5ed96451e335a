using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Tests;

/// <summary>Web applications on a free port of loopback, silent.</summary>
internal static class LoopbackSite
{
    /// <summary>Starts one with what <paramref name="map"/> maps; its <see cref="WebApplication.Urls"/> has the one address.</summary>
    public static async Task<WebApplication> StartAsync(Action<WebApplication> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var site = builder.Build();
        map(site);
        await site.StartAsync();
        return site;
    }
}
