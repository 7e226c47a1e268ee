"""One rival of `pnpm bench step`: PEFT on PyTorch, in one mode, in a process of its own.

Reads one JSON request a line from standard input and writes one JSON answer a line to standard output:
  {"do": "prepare", "mode": "fp32" | "bf16" | "compile" | "compile-bf16", "assignment": {...}}
                        or on a GPU "cuda-bf16" | "cuda-compile-bf16" | "cuda-graphs-bf16"
  {"do": "step"}        one training step; answers {"ms", "loss"}
  {"do": "steps", "count": n}   n of them; answers {"times"}
  {"do": "resetPeak"}   forgets the peak of resident memory so far, where the system can
  {"do": "peak"}        {"peakBytes"}: resident, or on a GPU allocated there
Rests on its standard input between requests, so that it takes no processor while others are measured.
"""

import contextlib
import json
import os
import shutil
import sys
import time

# Answers go out by a descriptor of their own: whatever a library prints joins standard error.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import peft  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

transformers.logging.set_verbosity_error()

TRIAL_STEPS = 2
WARM_UP_STEPS = 3


def base_model(assignment):
    config = transformers.AutoConfig.for_model(**assignment["config"])
    config.use_cache = False
    kind = {
        "sequence-classification": transformers.AutoModelForSequenceClassification,
        "causal-lm": transformers.AutoModelForCausalLM,
    }[assignment["architecture"]]
    return kind.from_config(config, attn_implementation="sdpa")


def adapter_config(assignment):
    targets = assignment["targets"]
    shared = {
        "target_modules": targets if targets == "all-linear" else list(targets),
        "lora_alpha": assignment["alpha"],
        "lora_dropout": assignment["dropout"],
        "modules_to_save": list(assignment["modulesToSave"]) or None,
    }
    if assignment["method"].endswith("adalora"):
        return peft.AdaLoraConfig(
            init_r=assignment["rank"],
            target_r=max(1, assignment["rank"] // 2),
            tinit=1,
            tfinal=1,
            deltaT=1,
            total_step=assignment["totalSteps"],
            **shared,
        )
    # A chain's step is the step of its link: PEFT has no chains, so plain LoRA stands for them.
    return peft.LoraConfig(r=assignment["rank"], **shared)


def batch_of(assignment):
    generator = torch.Generator().manual_seed(assignment["seed"])
    shape = (assignment["batch"], assignment["seq"])
    ids = torch.randint(3, assignment["config"]["vocab_size"], shape, generator=generator)
    batch = {"input_ids": ids, "attention_mask": torch.ones(shape, dtype=torch.int64)}
    if assignment["architecture"] == "causal-lm":
        return {**batch, "labels": ids}
    return {**batch, "labels": torch.arange(assignment["batch"]) % 2}


class Rival:
    def __init__(self, mode, assignment):
        torch.manual_seed(assignment["seed"])
        self.mode = mode
        self.device = "cuda" if mode.startswith("cuda") else "cpu"
        self.batch = {name: column.to(self.device) for name, column in batch_of(assignment).items()}
        with torch.device(self.device):
            base = base_model(assignment)
        if self.device == "cuda":
            base = base.to(torch.bfloat16)
        self.model = peft.get_peft_model(base, adapter_config(assignment)).to(self.device).train()
        self.allocate = getattr(self.model.base_model, "update_and_allocate", None)
        self.count = 0
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.trainable = sum(p.numel() for p in trained)
        self.optimizer = torch.optim.AdamW(
            trained, lr=assignment["learningRate"], weight_decay=assignment["weightDecay"], fused=True
        )
        self.forward = self.model
        self.thread_trials = {}
        self.threads = self.best_threads(assignment["threads"]) if self.device == "cpu" else torch.get_num_threads()
        if "compile" in mode or "graphs" in mode:
            if shutil.which(os.environ.get("CXX", "g++")) is None:
                raise RuntimeError("torch.compile needs a C++ compiler; install g++ (Debian, Ubuntu: apt install g++)")
            self.forward = torch.compile(self.model, dynamic=False, mode="reduce-overhead" if "graphs" in mode else None)
        began = time.perf_counter()
        self.step()
        self.first_step_ms = 1000 * (time.perf_counter() - began)
        for _ in range(WARM_UP_STEPS - 1):
            self.step()

    def best_threads(self, most):
        """The number of threads, from one to `most`, at which an uncompiled step is fastest."""
        times = {}
        for threads in range(1, most + 1):
            torch.set_num_threads(threads)
            times[threads] = min(self.step()["ms"] for _ in range(TRIAL_STEPS))
        self.thread_trials = times
        best = min(times, key=times.get)
        torch.set_num_threads(best)
        return best

    def step(self):
        began = time.perf_counter()
        is_half = self.mode.endswith("bf16")
        half = torch.autocast(self.device, dtype=torch.bfloat16) if is_half else contextlib.nullcontext()
        with half:
            loss = self.forward(**self.batch).loss
        loss.backward()
        self.optimizer.step()
        self.count += 1
        if self.allocate:
            self.allocate(self.count)
        self.optimizer.zero_grad()
        value = loss.item()
        return {"ms": 1000 * (time.perf_counter() - began), "loss": value}


def steps(count):
    return {"times": [rival.step()["ms"] for _ in range(count)]}


def reset_peak():
    if rival.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return {"reset": True}
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        return {"reset": True}
    except OSError:
        return {"reset": False}


def peak():
    if rival.device == "cuda":
        return {"peakBytes": torch.cuda.max_memory_reserved()}
    try:
        with open("/proc/self/status") as file:
            kilobytes = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
        return {"peakBytes": kilobytes * 1024}
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return {"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


rival = None


def answer(request):
    global rival
    if request["do"] == "prepare":
        rival = Rival(request["mode"], request["assignment"])
        return {
            "threads": rival.threads,
            "threadTrials": rival.thread_trials,
            "trainable": rival.trainable,
            "firstStepMs": rival.first_step_ms,
            "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        }
    if request["do"] == "steps":
        return steps(request["count"])
    return {"step": lambda: rival.step(), "resetPeak": reset_peak, "peak": peak}[request["do"]]()


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:  # Whatever goes wrong is the answer: the caller reports it and goes on without this rival.
        reply = {"error": f"{type(error).__name__}: {error}"}
    answers.write(json.dumps(reply) + "\n")
