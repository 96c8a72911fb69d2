"""Who is to be cited: the papers of the methods that were used, as BibTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Paper(NamedTuple):
    """Bibliographic data of a paper. authors: as BibTeX joins them. venue: "" for a preprint."""

    key: str
    title: str
    authors: str
    year: int
    venue: str = ""


PAPERS: dict[str, Paper] = {
    "2202.07922": Paper(
        "ye2022zerogen",
        "{ZeroGen}: Efficient Zero-shot Learning via Dataset Generation",
        "Ye, Jiacheng and Gao, Jiahui and Li, Qintong and Xu, Hang and Feng, Jiangtao and Wu, Zhiyong and Yu, Tao and Kong, Lingpeng",
        2022,
        "Proceedings of EMNLP 2022",
    ),
    "2212.10560": Paper(
        "wang2023selfinstruct",
        "{Self-Instruct}: Aligning Language Models with Self-Generated Instructions",
        "Wang, Yizhong and Kordi, Yeganeh and Mishra, Swaroop and Liu, Alisa and Smith, Noah A. and Khashabi, Daniel "
        "and Hajishirzi, Hannaneh",
        2023,
        "Proceedings of ACL 2023",
    ),
    "2304.12244": Paper(
        "xu2024wizardlm",
        "{WizardLM}: Empowering Large Language Models to Follow Complex Instructions",
        "Xu, Can and Sun, Qingfeng and Zheng, Kai and Geng, Xiubo and Zhao, Pu and Feng, Jiazhan and Tao, Chongyang and Lin, Qingwei "
        "and Jiang, Daxin",
        2024,
        "Proceedings of ICLR 2024",
    ),
    "2306.15895": Paper(
        "yu2023attrprompt",
        "Large Language Model as Attributed Training Data Generator: A Tale of Diversity and Bias",
        "Yu, Yue and Zhuang, Yuchen and Zhang, Jieyu and Meng, Yu and Ratner, Alexander and Krishna, Ranjay and Shen, Jiaming "
        "and Zhang, Chao",
        2023,
        "Advances in Neural Information Processing Systems 36, Datasets and Benchmarks",
    ),
    "2309.17249": Paper(
        "zhou2024batchcalibration",
        "Batch Calibration: Rethinking Calibration for In-Context Learning and Prompt Engineering",
        "Zhou, Han and Wan, Xingchen and Proleev, Lev and Mincu, Diana and Chen, Jilin and Heller, Katherine and Roy, Subhrajit",
        2024,
        "Proceedings of ICLR 2024",
    ),
    "2104.08826": Paper(
        "yoo2021gpt3mix",
        "{GPT3Mix}: Leveraging Large-scale Language Models for Text Augmentation",
        "Yoo, Kang Min and Park, Dongju and Kang, Jaewook and Lee, Sang-Woo and Park, Woomyoung",
        2021,
        "Findings of EMNLP 2021",
    ),
    "2105.12787": Paper(
        "allamanis2021buglab",
        "Self-Supervised Bug Detection and Repair",
        "Allamanis, Miltiadis and Jackson-Flux, Henry and Brockschmidt, Marc",
        2021,
        "Advances in Neural Information Processing Systems 34",
    ),
    "2203.14465": Paper(
        "zelikman2022star",
        "{STaR}: Bootstrapping Reasoning With Reasoning",
        "Zelikman, Eric and Wu, Yuhuai and Mu, Jesse and Goodman, Noah D.",
        2022,
        "Advances in Neural Information Processing Systems 35",
    ),
    "2309.12284": Paper(
        "yu2024metamath",
        "{MetaMath}: Bootstrap Your Own Mathematical Questions for Large Language Models",
        "Yu, Longhui and Jiang, Weisen and Shi, Han and Yu, Jincheng and Liu, Zhengying and Zhang, Yu and Kwok, James T. and Li, Zhenguo "
        "and Weller, Adrian and Liu, Weiyang",
        2024,
        "Proceedings of ICLR 2024",
    ),
    "2311.15614": Paper(
        "xiao2023freeal",
        "{FreeAL}: Towards Human-Free Active Learning in the Era of Large Language Models",
        "Xiao, Ruixuan and Dong, Yiwen and Zhao, Junbo and Wu, Runze and Lin, Minmin and Chen, Gang and Wang, Haobo",
        2023,
        "Proceedings of EMNLP 2023",
    ),
    "2310.01377": Paper(
        "cui2024ultrafeedback",
        "{UltraFeedback}: Boosting Language Models with Scaled {AI} Feedback",
        "Cui, Ganqu and Yuan, Lifan and Ding, Ning and Yao, Guanming and He, Bingxiang and Zhu, Wei and Ni, Yuan and Xie, Guotong "
        "and Xie, Ruobing and Lin, Yankai and Liu, Zhiyuan and Sun, Maosong",
        2024,
        "Proceedings of ICML 2024",
    ),
    "2407.10627": Paper(
        "luo2024arena",
        "{Arena Learning}: Build Data Flywheel for {LLMs} Post-training via Simulated Chatbot Arena",
        "Luo, Haipeng and Sun, Qingfeng and Xu, Can and Zhao, Pu and Lin, Qingwei and Lou, Jianguang and Chen, Shifeng and Tang, Yansong "
        "and Chen, Weizhu",
        2024,
    ),
}
"""arXiv id, as it stands in a method's header, to its paper."""


def papers_of(methods: Sequence[str]) -> dict[str, str]:
    """Method to the arXiv id of its paper, for those that have one."""
    from tilth import catalog
    from tilth.errors import RequestError

    found: dict[str, str] = {}
    for name in methods:
        try:
            paper = catalog.find(name).paper
        except RequestError:  # a method of the user's own, or a stage of columns
            continue
        if paper:
            found[name] = paper
    return found


def bibtex(methods: Sequence[str]) -> list[str]:
    """One entry for each paper of the methods, in their order. A paper that is not in the table is cited by its number alone."""
    papers = papers_of(methods)
    return [_entry(paper, [name for name, one in papers.items() if one == paper]) for paper in dict.fromkeys(papers.values())]


def _entry(arxiv: str, methods: Sequence[str]) -> str:
    paper = PAPERS.get(arxiv)
    if paper is None:
        fields = {"title": f"Paper of the method {', '.join(methods)}"}
        return _written("misc", f"arxiv{arxiv}", {**fields, "eprint": arxiv, "archivePrefix": "arXiv"})
    kind, where = ("inproceedings", {"booktitle": paper.venue}) if paper.venue else ("misc", {})
    fields = {"title": paper.title, "author": paper.authors, **where, "year": str(paper.year)}
    return _written(kind, paper.key, {**fields, "eprint": arxiv, "archivePrefix": "arXiv"})


def _written(kind: str, key: str, fields: dict[str, str]) -> str:
    inside = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{kind}{{{key},\n{inside}\n}}"
