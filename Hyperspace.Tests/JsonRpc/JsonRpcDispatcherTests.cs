using System.Text;
using System.Text.Json.Nodes;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Host.JsonRpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.JsonRpc;

public class JsonRpcDispatcherTests
{
    private static readonly JsonRpcDispatcher Dispatcher = new(
    [
        new("echo", "Gives back a text.", [], "text", (p, _, _) => Task.FromResult<JsonNode?>(p.String("text", 10))),
        new("price", "Reads an amount.", [], "micro-units", (p, _, _) => Task.FromResult<JsonNode?>(p.Amount("amount", Currency.Usdc).MicroUnits)),
        new("refuse", "Refuses.", [], "", (_, _, _) => throw JsonRpcException.Refused(new Refusal(ErrorCodes.BudgetExceeded, "Raise the budget."))),
        new("fail", "Has a defect.", [], "", (_, _, _) => throw new InvalidOperationException("inside")),
    ], NullLogger<JsonRpcDispatcher>.Instance);

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"hi"}}""", """{"jsonrpc":"2.0","result":"hi","id":1}""")]
    [InlineData("""{"jsonrpc":"2.0","id":"a","method":"price","params":{"amount":0.003}}""", """{"jsonrpc":"2.0","result":3000,"id":"a"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"price","params":{"amount":"0.003"}}""", """{"jsonrpc":"2.0","result":3000,"id":1}""")]
    public async Task Calls_are_answered_with_their_id(string request, string reply) => Assert.Equal(reply, await AskAsync(request));

    [Theory]
    [InlineData("", -32700)]
    [InlineData("{", -32700)]
    [InlineData("[]", -32600)]
    [InlineData("1", -32600)]
    [InlineData("""{"id":1,"method":"echo"}""", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":{},"method":"echo"}""", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":5}""", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"nothing"}""", -32601)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"echo"}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"echo","params":["hi"]}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":5}}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"\ud800"}}""", -32700)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"much too long"}}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"price","params":{"amount":-1}}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"price","params":{"amount":0.0000001}}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"price","params":{"amount":"1e3"}}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"price","params":{"amount":true}}""", -32602)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"refuse"}""", -32001)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"fail"}""", -32603)]
    public async Task Faults_have_their_code(string request, int code)
    {
        var reply = JsonNode.Parse((await AskAsync(request))!)!;
        Assert.Equal(code, reply["error"]!["code"]!.GetValue<int>());
        Assert.NotEmpty(reply["error"]!["message"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_refusal_keeps_its_stable_code_and_a_defect_does_not_tell_its_inside()
    {
        Assert.Contains("BUDGET_EXCEEDED", await AskAsync("""{"jsonrpc":"2.0","id":1,"method":"refuse"}"""), StringComparison.Ordinal);
        Assert.DoesNotContain("inside", await AskAsync("""{"jsonrpc":"2.0","id":1,"method":"fail"}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notifications_are_not_answered() => Assert.Null(await AskAsync("""{"jsonrpc":"2.0","method":"echo","params":{"text":"hi"}}"""));

    [Fact]
    public async Task A_batch_is_answered_call_by_call()
    {
        var reply = JsonNode.Parse((await AskAsync("""[{"jsonrpc":"2.0","id":1,"method":"echo","params":{"text":"a"}},5,{"jsonrpc":"2.0","method":"echo","params":{"text":"b"}},{"jsonrpc":"2.0","id":2,"method":"nothing"}]"""))!)!.AsArray();
        Assert.Equal(3, reply.Count);
        Assert.Equal("a", reply[0]!["result"]!.GetValue<string>());
        Assert.Equal(-32600, reply[1]!["error"]!["code"]!.GetValue<int>());
        Assert.Equal(-32601, reply[2]!["error"]!["code"]!.GetValue<int>());
    }

    [Fact]
    public async Task Too_large_a_batch_and_too_deep_a_text_are_refused()
    {
        Assert.Contains("-32600", await AskAsync("[" + string.Join(',', Enumerable.Repeat("1", JsonRpcDispatcher.MaxBatch + 1)) + "]"), StringComparison.Ordinal);
        Assert.Contains("-32700", await AskAsync(new string('[', 100_000)), StringComparison.Ordinal);
    }

    private static async Task<string?> AskAsync(string request) =>
        (await Dispatcher.DispatchAsync(Encoding.UTF8.GetBytes(request), null, CancellationToken.None))?.ToJsonString();
}
