using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace wallet</c>: needs no running peer; makes the keys when there are none.</summary>
internal static class WalletCommand
{
    private const long MaxFileBytes = 256 << 20;
    private const int MaxFailuresPrinted = 20;
    private static readonly JsonDocumentOptions Reading = new() { MaxDepth = 256 };

    public static Command Create()
    {
        var command = new Command("wallet", "Tell the wallet of a data directory, making its key when there is none.") { VerifyTyped() };
        return command.Does((parsed, _) =>
        {
            var fields = new JsonObject
            {
                ["address"] = "0x" + Convert.ToHexStringLower(IdentityCommand.Load(parsed).Wallet.Address.Span),
                ["secp256k1"] = Secp256k1Wallet.Library,
                ["dataDirectory"] = parsed.GetValue(CommonOptions.Data)!.FullName,
            };
            Print.Fields(fields, parsed.GetValue(CommonOptions.Json));
            return Task.FromResult(0);
        });
    }

    private static Command VerifyTyped()
    {
        var file = new Option<FileInfo>("--file") { Description = "JSON: {vectors, malleability?, mustReject?}.", Required = true };
        return new Command("verify-typed", "Check EIP-712 vectors against this peer's hashing and signatures.") { file }.Does(async (parsed, ct) =>
        {
            var path = parsed.GetValue(file)!;
            var outcome = await CheckAsync(path, ct);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(new JsonObject
                {
                    ["passed"] = outcome.Passed,
                    ["failed"] = outcome.Failures.Count,
                    ["failures"] = new JsonArray([.. outcome.Failures.Select(f => new JsonObject { ["id"] = f.Id, ["kind"] = f.Kind, ["reason"] = f.Reason })]),
                }.ToJsonString(JsonText.Plain));
            }
            else
            {
                Console.Out.WriteLine($"{outcome.Passed} passed, {outcome.Failures.Count} failed, by {Secp256k1Wallet.Library}");
                foreach (var failure in outcome.Failures.Take(MaxFailuresPrinted))
                {
                    Console.Out.WriteLine($"  {failure.Kind} {failure.Id}: {failure.Reason}");
                }

                if (outcome.Failures.Count > MaxFailuresPrinted)
                {
                    Console.Out.WriteLine($"  and {outcome.Failures.Count - MaxFailuresPrinted} more, which --json lists");
                }
            }

            return outcome.Failures.Count == 0 ? 0 : 1;
        });
    }

    private static async Task<TypedDataVectors.Outcome> CheckAsync(FileInfo file, CancellationToken cancellationToken)
    {
        try
        {
            if (file.Length > MaxFileBytes)
            {
                throw CommandException.Usage($"{file.FullName} has more than {MaxFileBytes >> 20} MiB.");
            }

            await using var stream = file.OpenRead();
            using var document = await JsonDocument.ParseAsync(stream, Reading, cancellationToken);
            return TypedDataVectors.Check(document.RootElement);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"{file.FullName} cannot be read: {e.Message}");
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw CommandException.Usage($"{file.FullName} is no file of vectors: {e.Message}");
        }
        catch (InvalidDataException e)
        {
            // The environment asks for a signature library that is not here.
            throw CommandException.Usage(e.Message);
        }
    }
}
