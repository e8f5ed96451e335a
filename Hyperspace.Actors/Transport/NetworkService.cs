using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Hosting;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Listens before the actors start and stops after they have stopped, so that no actor ever meets a closed network. The
/// protocols are taken as arguments to have them registered before the first peer asks for them.
/// </summary>
internal sealed class NetworkService(Libp2pSwitch network, NetworkProtocols protocols) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await network.StartAsync(cancellationToken).ConfigureAwait(false);
        protocols.Reach.Start();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await protocols.DisposeAsync().ConfigureAwait(false);
        await network.DisposeAsync().ConfigureAwait(false);
    }
}
