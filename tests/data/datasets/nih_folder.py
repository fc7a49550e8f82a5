"""Folders of ChestX-ray14 with small films, in the folders and tables of the NIH."""

from tests.data.datasets.small_films import write_films

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)

FINDINGS = ("No Finding", "Pneumonia", "Infiltration|Pneumonia", "Effusion")


def names(count=80):
    """Names of films, two of each patient."""
    return [f"{number // 2 + 1:08}_{number % 2:03}.png" for number in range(count)]


def findings_of(number):
    """Findings of a film: equal for both films of a patient."""
    return FINDINGS[number // 2 % 4]


def write_nih(root):
    """Write 80 films of 40 patients, with boxes around every pneumonia; the last 16 are test films."""
    write_films(root, [f"images_{1 + number % 2:03}/images/{name}" for number, name in enumerate(names())])
    lines, boxes = [HEADER], ["Image Index,Finding Label,Bbox [x,y,w,h],,,"]
    for number, name in enumerate(names()):
        age, sex, view = 30 + number, "FM"[number % 2], ("PA", "AP")[number % 2]
        patient = int(name[:8])
        lines.append(
            f"{name},{findings_of(number)},0,{patient},{age:03}Y,{sex},{view},2682,2749,0.143,0.143,"
        )
        if "Pneumonia" in findings_of(number):
            boxes.append(f"{name},Pneumonia,128.0,256.0,512.0,256.0,,,")
    boxes.append(f"{names()[0]},Mass,1.0,2.0,30.0,40.0,,,")
    (root / "Data_Entry_2017.csv").write_text("\n".join(lines) + "\n")
    (root / "BBox_List_2017.csv").write_text("\n".join(boxes) + "\n")
    (root / "train_val_list.txt").write_text("\n".join(names()[:-16]) + "\n")
    (root / "test_list.txt").write_text("\n".join(names()[-16:]) + "\n")
    return root
