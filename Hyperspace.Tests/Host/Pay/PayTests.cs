using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.X402;
using Hyperspace.Contracts;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Micropayments.Charge;

namespace Hyperspace.Tests.Host.Pay;

/// <summary>Tools sold at /pay: what a client sees, and what it cannot get twice or for nothing.</summary>
public sealed class PayTests : IAsyncLifetime
{
    private readonly Payer _payer = new();
    private PayShop _shop = null!;

    public async Task InitializeAsync() => _shop = await PayShop.StartAsync();

    public async Task DisposeAsync() => await _shop.DisposeAsync();

    [Fact]
    public async Task One_402_carries_both_wires()
    {
        using var response = await _shop.PostAsync();
        Assert.Equal(HttpStatusCode.PaymentRequired, response.StatusCode);
        Assert.Equal("no-store", response.Headers.CacheControl!.ToString());
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal("https://paymentauth.org/problems/payment-required", problem.RootElement.GetProperty("type").GetString());

        var challenge = Assert.Single(MppChallenge.ReadAll([MppOf(response)]));
        Assert.Equal(("shop.example", "evm", "charge", "Says it again – twice"), (challenge.Realm, challenge.Method, challenge.Intent, challenge.Description));
        var request = CanonicalJson.FromBase64Url(challenge.Request)!;
        Assert.Equal(("1000", EvmText.Of(PayShop.PayTo)), (JsonText.Of(request, "amount"), JsonText.Of(request, "recipient")));
        var required = X402PaymentRequired.Read(X402Of(response))!;
        Assert.Equal(("http://shop.example/pay/echo", (UInt128)1000), (required.Url, required.Accepts[0].Units));
    }

    [Fact]
    public async Task Either_wire_pays_and_gets_its_receipt()
    {
        using var asked = await _shop.PostAsync();
        using var mpp = await _shop.PostAsync(mpp: _payer.Mpp(MppOf(asked)));
        Assert.Equal(HttpStatusCode.OK, mpp.StatusCode);
        Assert.Equal("private", mpp.Headers.CacheControl!.ToString());
        var receipt = MppReceipt.Read(mpp.Headers.GetValues("Payment-Receipt").Single())!;
        Assert.Equal(("evm", EvmText.Of(EvmCharge.NonceOf(MppChallenge.ReadAll([MppOf(asked)]).Single()))), (receipt.Method, receipt.Reference));
        using var body = JsonDocument.Parse(await mpp.Content.ReadAsStringAsync());
        Assert.Equal(("run 1", "hello"), (body.RootElement.GetProperty("content").GetString(), body.RootElement.GetProperty("structured").GetProperty("text").GetString()));

        using var x402 = await _shop.PostAsync(x402: _payer.X402(X402Of(asked), DateTimeOffset.UtcNow));
        Assert.Equal(HttpStatusCode.OK, x402.StatusCode);
        var settled = JsonDocument.Parse(Convert.FromBase64String(x402.Headers.GetValues("PAYMENT-RESPONSE").Single())).RootElement;
        Assert.True(settled.GetProperty("success").GetBoolean());
        Assert.Equal(_payer.Address, settled.GetProperty("payer").GetString());
        Assert.Equal(2, _shop.Echo.Runs);
    }

    [Fact]
    public async Task Ten_thousand_challenges_are_all_distinct()
    {
        var ids = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(0, 10_000), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, _) =>
        {
            using var response = await _shop.PostAsync();
            ids.Add(MppChallenge.ReadAll([MppOf(response)]).Single().Id);
        });
        Assert.Equal(10_000, ids.Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_credential_is_served_once_however_often_it_is_offered(bool x402)
    {
        using var asked = await _shop.PostAsync();
        var credential = x402 ? _payer.X402(X402Of(asked), DateTimeOffset.UtcNow) : _payer.Mpp(MppOf(asked));
        var statuses = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => StatusAsync(credential, x402)));
        Assert.Equal((1, 15), (statuses.Count(s => s == HttpStatusCode.OK), statuses.Count(s => s == HttpStatusCode.PaymentRequired)));

        Assert.Equal(HttpStatusCode.PaymentRequired, await StatusAsync(credential, x402, "other"));
        await _shop.RestartAsync();
        Assert.Equal(HttpStatusCode.PaymentRequired, await StatusAsync(credential, x402));
        Assert.Equal(HttpStatusCode.PaymentRequired, await StatusAsync(credential, x402, "other"));
        Assert.Equal(1, _shop.Echo.Runs);
    }

    [Fact]
    public async Task A_credential_is_of_one_route_and_one_body()
    {
        using var asked = await _shop.PostAsync();
        var (mpp, x402) = (_payer.Mpp(MppOf(asked)), _payer.X402(X402Of(asked), DateTimeOffset.UtcNow));
        Assert.Equal(HttpStatusCode.PaymentRequired, await StatusAsync(mpp, x402: false, "other"));
        Assert.Equal(HttpStatusCode.PaymentRequired, await StatusAsync(x402, x402: true, "other"));
        Assert.Equal(HttpStatusCode.PaymentRequired, await StatusAsync(mpp, x402: false, "echo?a=1"));
        using var changed = await _shop.PostAsync(body: """{"text":"more"}""", mpp: mpp);
        Assert.Equal(HttpStatusCode.PaymentRequired, changed.StatusCode);
        Assert.Equal(0, _shop.Echo.Runs);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(mpp, x402: false));
    }

    [Fact]
    public async Task The_same_idempotency_key_gives_the_same_body_for_one_charge()
    {
        using var asked = await _shop.PostAsync();
        var gate = _shop.Echo.Gate = new TaskCompletionSource();
        var waiting = Enumerable.Range(0, 8).Select(n => BodyAsync(n % 2 == 0 ? _payer.Mpp(MppOf(asked)) : null, n % 2 == 0 ? null : _payer.X402(X402Of(asked), DateTimeOffset.UtcNow), "k")).ToList();
        gate.SetResult();
        var bodies = await Task.WhenAll(waiting);
        Assert.Single(bodies.Distinct());

        // Signed again after a lost response: still one charge, and the same bytes.
        using var again = await _shop.PostAsync();
        Assert.Equal(bodies[0], await BodyAsync(_payer.Mpp(MppOf(again)), null, "k"));
        Assert.Equal(1, _shop.Echo.Runs);

        var changed = """{"text":"more"}""";
        using var askedChanged = await _shop.PostAsync(body: changed);
        using var conflict = await _shop.PostAsync(body: changed, mpp: _payer.Mpp(MppOf(askedChanged)), key: "k");
        Assert.Equal(HttpStatusCode.Conflict, conflict.StatusCode);
        Assert.Equal(1, _shop.Echo.Runs);
    }

    [Fact]
    public async Task A_client_that_goes_away_does_not_stop_what_it_paid_for()
    {
        using var asked = await _shop.PostAsync();
        var credential = _payer.Mpp(MppOf(asked));
        var gate = _shop.Echo.Gate = new TaskCompletionSource();
        using (var gone = new CancellationTokenSource())
        {
            var request = new HttpRequestMessage(HttpMethod.Post, _shop.Url()) { Content = new StringContent(PayShop.Body) };
            request.Headers.TryAddWithoutValidation("Authorization", credential);
            request.Headers.TryAddWithoutValidation("Idempotency-Key", "k");
            var call = _shop.Client.SendAsync(request, gone.Token);
            await Eventually.TrueAsync(() => _shop.Echo.Runs > 0);
            await gone.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }

        gate.SetResult();
        Assert.Contains("run 1", await BodyAsync(credential, null, "k"), StringComparison.Ordinal);
        Assert.Equal(1, _shop.Echo.Runs);
    }

    [Fact]
    public async Task What_cannot_be_served_is_refused_before_money_is_asked_for()
    {
        Assert.Equal(HttpStatusCode.NotFound, (await _shop.PostAsync("nothing")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _shop.PostAsync("free")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _shop.PostAsync(body: "{}")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _shop.PostAsync(body: "nonsense")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _shop.PostAsync(key: "two words")).StatusCode);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _shop.PostAsync(body: new string(' ', (1024 * 1024) + 1))).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await _shop.Client.DeleteAsync(_shop.Url())).StatusCode);
        Assert.Equal(HttpStatusCode.PaymentRequired, (await _shop.Client.GetAsync(_shop.Url("echo?text=hello"))).StatusCode);

        using var asked = await _shop.PostAsync();
        _shop.Echo.Unready = new Refusal(ErrorCodes.ToolFailed, "not now");
        using var unready = await _shop.PostAsync(mpp: _payer.Mpp(MppOf(asked)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unready.StatusCode);
        Assert.Equal(0, _shop.Echo.Runs);
    }

    [Fact]
    public async Task Money_that_is_not_there_buys_nothing()
    {
        _shop.Chain.Balance = 999;
        using var asked = await _shop.PostAsync();
        using var poor = await _shop.PostAsync(mpp: _payer.Mpp(MppOf(asked)));
        Assert.Equal(HttpStatusCode.PaymentRequired, poor.StatusCode);
        Assert.Contains("payment-insufficient", await poor.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        _shop.Chain.IsDown = true;
        using var unknown = await _shop.PostAsync(mpp: new Payer("another").Mpp(MppOf(asked)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unknown.StatusCode);
        Assert.Equal(0, _shop.Echo.Runs);
    }

    [Fact]
    public async Task A_request_is_paid_once()
    {
        using var asked = await _shop.PostAsync();
        using var both = await _shop.PostAsync(mpp: _payer.Mpp(MppOf(asked)), x402: _payer.X402(X402Of(asked), DateTimeOffset.UtcNow));
        Assert.Equal(HttpStatusCode.PaymentRequired, both.StatusCode);
        Assert.Contains("malformed-credential", await both.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_address_cannot_hold_up_the_others()
    {
        await using var strict = await PayShop.StartAsync(o => o with { RequestsPerSecond = 1 });
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 12; i++)
        {
            using var response = await strict.PostAsync();
            statuses.Add(response.StatusCode);
        }

        Assert.Equal(HttpStatusCode.PaymentRequired, statuses[0]);
        Assert.Contains(HttpStatusCode.TooManyRequests, statuses);
    }

    private async Task<HttpStatusCode> StatusAsync(string credential, bool x402, string tool = "echo")
    {
        using var response = await _shop.PostAsync(tool, mpp: x402 ? null : credential, x402: x402 ? credential : null);
        return response.StatusCode;
    }

    private async Task<string> BodyAsync(string? mpp, string? x402, string key)
    {
        using var response = await _shop.PostAsync(mpp: mpp, x402: x402, key: key);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        return body;
    }

    private static string MppOf(HttpResponseMessage response) => response.Headers.GetValues("WWW-Authenticate").Single();

    private static string X402Of(HttpResponseMessage response) => response.Headers.GetValues("PAYMENT-REQUIRED").Single();
}
