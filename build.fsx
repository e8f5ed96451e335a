// Every developer task: dotnet fsi build.fsx -- TARGET...
// A target runs after those it depends on, each once; a failed command stops the run with its exit code.
open System
open System.Diagnostics
open System.IO

Environment.CurrentDirectory <- __SOURCE_DIRECTORY__

let run (command: string) (arguments: string list) =
    printfn "> %s %s" command (String.Join(" ", arguments))
    use started = Process.Start(ProcessStartInfo(command, arguments))
    started.WaitForExit()
    if started.ExitCode <> 0 then
        eprintfn "%s ended with %d" command started.ExitCode
        exit started.ExitCode

let dotnet arguments = run "dotnet" arguments
let solution = "Hyperspace.sln"
let release = [ "-c"; "Release" ]

let targets: (string * string * string list * (unit -> unit)) list =
    [ "restore", "restore packages exactly as the lock files say", [], fun () -> dotnet [ "restore"; solution; "--locked-mode" ]
      "build", "compile everything, warnings are errors", [ "restore" ], fun () -> dotnet [ "build"; solution; "--no-restore" ]
      "test", "all tests, those with real partners too", [ "build" ], fun () -> dotnet [ "test"; solution; "--no-build" ]
      "interop", "only the tests against software we did not write", [ "build" ],
      fun () -> dotnet [ "test"; solution; "--no-build"; "--filter"; "FullyQualifiedName~Hyperspace.Tests.Interop" ]
      "format", "rewrite the code to the house style", [ "restore" ], fun () -> dotnet [ "format"; solution; "--no-restore" ]
      "check-format", "fail when the code is not in the house style", [ "restore" ],
      fun () -> dotnet [ "format"; solution; "--no-restore"; "--verify-no-changes" ]
      "bench", "the figures of docs/benchmarks.md that need no data, simulator or soak", [],
      fun () ->
           for scenario in [ "loop"; "libp2p"; "payments"; "scale" ] do
               dotnet ([ "run"; "--project"; "Hyperspace.Benchmarks" ] @ release @ [ "--"; scenario ])
      "fuzz", "search for inputs that a decoder cannot bear, ten minutes each", [],
      fun () -> dotnet ([ "run"; "--project"; "Hyperspace.Fuzz" ] @ release @ [ "--"; "--all"; "--minimise" ])
      "contracts", "compile contracts/src into contracts/compiled with the pinned solc", [],
      fun () ->
          run "npm" [ "--prefix"; "contracts"; "ci"; "--no-audit"; "--no-fund"; "--ignore-scripts" ]
          run "node" [ Path.Combine("contracts", "compile.mjs") ]
      "docs", "write docs/api.md from the code", [ "build" ],
      fun () -> dotnet [ "run"; "--project"; "Hyperspace.Host"; "--no-build"; "--"; "api-docs"; "docs/api.md" ]
      "pack", "a folder that needs no .NET installed in artifacts/hyperspace", [],
      fun () ->
          let rid = Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier
          // A lock file of its own: this restore also takes the runtime for the machine, which the others don't.
          let own = [ "-p:NuGetLockFilePath=obj/pack.lock.json"; "--self-contained"; "-r"; rid; "-o"; Path.Combine("artifacts", "hyperspace") ]
          dotnet ([ "publish"; "Hyperspace.Host" ] @ release @ own)
      "demo", "three peers run the whole loop", [], fun () -> dotnet [ "run"; "--project"; "Hyperspace.Host"; "--"; "demo" ]
      "ci", "what the gate runs", [ "check-format"; "test" ], ignore ]

let rec perform (finished: Set<string>) name =
    match targets |> List.tryFind (fun (n, _, _, _) -> n = name) with
    | _ when finished.Contains name -> finished
    | None ->
        eprintfn "There is no target '%s'." name
        exit 2
    | Some(_, _, needs, act) ->
        let finished = List.fold perform finished needs
        act ()
        finished.Add name

match fsi.CommandLineArgs |> List.ofArray |> List.tail |> List.filter ((<>) "--") with
| [] ->
    printfn "dotnet fsi build.fsx -- TARGET..."
    for name, what, _, _ in targets do
        printfn "  %-13s %s" name what
| names -> names |> List.fold perform Set.empty |> ignore
