using System.CommandLine;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>channel</c>: payment channels of the running peer.</summary>
internal static class ChannelCommands
{
    private static readonly string[] Columns = ["side", "phase", "channelId", "peerId", "deposit", "accepted", "spent", "currency", "onChain", "settled", "refunded"];

    public static Command Channel()
    {
        var payee = new Argument<string>("PAYEE") { Description = "The payee's peer id." };
        var budget = Amount("BUDGET", "The deposit, as 5 or 0.25.");
        var currency = new Option<string>("--currency") { Description = "USDC unless given.", DefaultValueFactory = _ => "USDC" };
        var chain = new Option<int?>("--chain") { Description = "Put the deposit into the escrow of this chain (EIP-155 id); without it the channel is on trust." };
        var id = new Argument<string>("CHANNEL") { Description = "The channel's id." };
        var amount = Amount("AMOUNT", "As 0.003.");
        var memo = new Option<string?>("--memo") { Description = "What it is for." };
        return new Command("channel", "Open, pay over, top up and close payment channels.")
        {
            new Command("open", "Open a channel to a payee.") { payee, budget, currency, chain }.Asks(
                (parsed, client, ct) => client.CallAsync("micropayments.channel.open", With(
                    new JsonObject { ["payee"] = parsed.GetValue(payee), ["budget"] = parsed.GetValue(budget), ["currency"] = parsed.GetValue(currency) }, "chain", parsed.GetValue(chain)), ct),
                Print.Fields),
            new Command("pay", "Pay the payee over a channel.") { id, amount, memo }.Asks(
                (parsed, client, ct) => client.CallAsync("micropayments.channel.pay", With(
                    new JsonObject { ["channelId"] = parsed.GetValue(id), ["amount"] = parsed.GetValue(amount) }, "memo", parsed.GetValue(memo)), ct),
                Print.Fields),
            new Command("topup", "Add to a channel's deposit.") { id, amount }.Asks(
                (parsed, client, ct) => client.CallAsync("micropayments.channel.topUp", new JsonObject { ["channelId"] = parsed.GetValue(id), ["amount"] = parsed.GetValue(amount) }, ct),
                Print.Fields),
            new Command("close", "Settle what was spent, and get the remainder back.") { id }.Asks(
                (parsed, client, ct) => client.CallAsync("micropayments.channel.close", new JsonObject { ["channelId"] = parsed.GetValue(id) }, ct),
                Print.Fields),
            new Command("list", "List the channels of both sides.").Asks((_, client, ct) => client.CallAsync("micropayments.channel.list", null, ct), result => Print.Table(result, Columns)),
            new Command("get", "Show a channel.") { id }.Asks(
                (parsed, client, ct) => client.CallAsync("micropayments.channel.get", new JsonObject { ["channelId"] = parsed.GetValue(id) }, ct),
                Print.Fields),
        };
    }

    private static Argument<string> Amount(string name, string description)
    {
        var argument = new Argument<string>(name) { Description = description };
        argument.Validators.Add(r => ClientCommands.MustBeAmount(r, r.GetValueOrDefault<string>()));
        return argument;
    }

    private static JsonObject With(JsonObject json, string name, JsonNode? value)
    {
        if (value is not null)
        {
            json[name] = value;
        }

        return json;
    }
}
